import type {JsonValue} from '../base/json.ts';
import type {Activity, AgentError, AgentEvents, AgentResult, AgentRun, AgentUsage} from './agent-runtime.ts';
import {classify, retryCause} from './classify.ts';
import {claudeSpending} from './claude-spending.ts';
import {type JsonObject, jsonLines} from './json-lines.ts';
import {countField, field, listField, textField} from './json-field.ts';
import type {PriceOverrides} from './prices.ts';
import {textTail} from './text-tail.ts';

const EDITS = new Set(['Edit', 'MultiEdit', 'Write', 'NotebookEdit']);
/** Every piece of a text as it is written; the whole follows. */
const PIECES = '{"type":"stream_event","event":{"type":"content_block_';

interface Context {
  readonly cwd: string;
  readonly prices: PriceOverrides;
  readonly events: Pick<AgentEvents, 'activity'>;
}

/** Understands what it prints with `--output-format stream-json`. */
export function claudeOutput({cwd, prices, events}: Context): Pick<AgentRun, 'stdout' | 'stderr' | 'ended'> {
  const spending = claudeSpending(prices);
  const stderr = textTail();
  const calls = new Map<string, {readonly name: string; readonly detail: string}>();
  const denied = new Map<string, string>();
  let result: JsonObject | null = null;
  let lastText = '';

  const tell = (activity: Activity) => {
    events.activity(activity);
  };

  function onAssistant(line: JsonObject): void {
    // It writes its own error messages as if the model had said them.
    const own = textField(line, 'message', 'model') === '<synthetic>';
    for (const block of listField(line, 'message', 'content')) {
      const text = textField(block, 'text');
      if (textField(block, 'type') === 'text' && text !== null && !own) {
        lastText = text;
        tell({kind: 'message', text});
      }
      if (textField(block, 'type') === 'tool_use') onCall(block);
    }
  }

  function onCall(block: JsonValue): void {
    const name = textField(block, 'name') ?? 'tool';
    const detail = detailOf(field(block, 'input'), cwd);
    calls.set(textField(block, 'id') ?? '', {name, detail});
    if (!EDITS.has(name)) tell({kind: 'tool', name, detail});
  }

  function onResults(line: JsonObject): void {
    for (const block of listField(line, 'message', 'content')) {
      if (textField(block, 'type') !== 'tool_result') continue;
      const id = textField(block, 'tool_use_id') ?? '';
      const call = calls.get(id);
      calls.delete(id);
      if (call !== undefined && EDITS.has(call.name) && field(block, 'is_error') !== true) {
        tell({kind: 'edit', path: call.detail});
      }
    }
  }

  function onDenied(id: string, what: string): void {
    if (denied.has(id)) return;
    denied.set(id, what);
    tell({kind: 'permission', what, granted: false});
  }

  function onSystem(line: JsonObject): void {
    switch (textField(line, 'subtype')) {
      case 'init': {
        const id = textField(line, 'session_id');
        if (id !== null) tell({kind: 'session', id});
        return;
      }
      case 'api_retry': {
        const status = countField(line, 'error_status');
        const detail = textField(line, 'error') ?? `status ${status ?? '?'}`;
        const cause = retryCause({status, text: detail});
        tell({kind: 'retry', cause, delayMs: countField(line, 'retry_delay_ms'), detail});
        return;
      }
      case 'permission_denied': {
        const id = textField(line, 'tool_use_id') ?? '';
        const {name, detail} = calls.get(id) ?? {name: textField(line, 'tool_name') ?? 'tool', detail: ''};
        onDenied(id, `${name} ${detail}`.trim());
        return;
      }
      default:
        return;
    }
  }

  function onResult(line: JsonObject): void {
    result = line;
    for (const denial of listField(line, 'permission_denials')) {
      const detail = detailOf(field(denial, 'tool_input'), cwd);
      onDenied(
        textField(denial, 'tool_use_id') ?? detail,
        `${textField(denial, 'tool_name') ?? 'tool'} ${detail}`.trim(),
      );
    }
    const usage = spending.settle(line);
    // Whoever hears of usage takes it for an answer of the provider.
    if (field(line, 'is_error') !== true) tell({kind: 'usage', usage});
  }

  function onUsage(usage: AgentUsage | null): void {
    if (usage !== null) tell({kind: 'usage', usage});
  }

  function onLine(line: JsonObject): void {
    switch (textField(line, 'type')) {
      case 'assistant':
        onAssistant(line);
        onUsage(spending.addWhole(line));
        return;
      case 'user':
        onResults(line);
        return;
      case 'system':
        onSystem(line);
        return;
      case 'stream_event':
        onUsage(spending.add(line));
        return;
      case 'result':
        onResult(line);
        return;
      default:
        return;
    }
  }

  const lines = jsonLines(
    {
      object: onLine,
      noise: text => {
        tell({kind: 'noise', text});
      },
    },
    {skip: [PIECES]},
  );
  return {
    stdout: lines.push,
    stderr: stderr.push,
    ended(exit) {
      lines.end();
      const end = {result, stderr: stderr.text(), ...exit};
      return resultOf(end, {usage: spending.total(), lastText, denied: [...denied.values()]});
    },
  };
}

interface End {
  readonly result: JsonObject | null;
  readonly stderr: string;
  readonly exitCode: number | null;
  readonly signal: string | null;
}

function resultOf(
  end: End,
  {usage, lastText, denied}: {usage: AgentUsage; lastText: string; denied: readonly string[]},
): AgentResult {
  const error = end.result === null ? withoutResult(end) : errorIn(end.result, end.exitCode);
  const text = (end.result === null ? null : textField(end.result, 'result')) ?? lastText;
  return {result: error === null ? {ok: true} : {ok: false, error}, text, usage, denied};
}

/** `success` is said of failures too: `is_error` and the exit code decide. */
function errorIn(result: JsonObject, exitCode: number | null): AgentError | null {
  const failed = field(result, 'is_error') === true || textField(result, 'subtype') !== 'success';
  if (!failed && (exitCode ?? 0) === 0) return null;
  const said = [...listField(result, 'errors').map(String), textField(result, 'result')].find(Boolean);
  const text = said ?? `it ended with exit code ${exitCode ?? '?'}`;
  if (textField(result, 'stop_reason') === 'refusal') return {kind: 'refused', detail: text};
  if (textField(result, 'terminal_reason') === 'prompt_too_long') return {kind: 'context-too-long', detail: text};
  // Its answer is no error text: words of the model must not be taken for those of the provider.
  if (!failed) return {kind: 'crashed', detail: `it ended with exit code ${exitCode ?? '?'} after its answer`};
  return classify({status: countField(result, 'api_error_status'), text});
}

function withoutResult({exitCode, signal, stderr}: End): AgentError {
  const how = signal === null ? `exit code ${exitCode ?? '?'}` : signal;
  if (exitCode === 0) return {kind: 'bad-output', detail: 'it ended without any result'};
  const detail = `it ended with ${how} and no result${stderr === '' ? '' : `: ${stderr}`}`;
  return stderr === '' || signal !== null ? {kind: 'crashed', detail} : classify({text: detail});
}

/** What a call is about: a command, a file, an address. */
function detailOf(input: JsonValue | undefined, cwd: string): string {
  const keys = ['command', 'file_path', 'notebook_path', 'path', 'pattern', 'url', 'query', 'description'];
  const detail = keys.map(key => textField(input, key)).find(value => value !== null) ?? '';
  return detail.startsWith(`${cwd}/`) ? detail.slice(cwd.length + 1) : detail;
}
