import type {JsonValue} from '../base/json.ts';
import type {Activity, AgentError, AgentEvents, AgentResult, AgentRun, AgentUsage} from './agent-runtime.ts';
import {NO_AGENT_USAGE} from './agent-usage.ts';
import {type Exit, endedEarly} from './ended-early.ts';
import {geminiError} from './gemini-error.ts';
import {geminiRetries} from './gemini-retries.ts';
import {countField, field, textField} from './json-field.ts';
import {type JsonObject, jsonLines} from './json-lines.ts';
import {pathIn} from './path-in.ts';
import type {PriceOverrides} from './prices.ts';
import {type Spent, totalSpent} from './spending.ts';
import {textTail} from './text-tail.ts';

const EDITS = new Set(['write_file', 'replace']);
/** When one of these is not there for it, our rules have taken it away. */
const TOOLS_WITH_RULES = new Set([...EDITS, 'run_shell_command', 'web_fetch', 'google_web_search']);
/** Its exit code when it has no way to log in. */
const NO_LOGIN = 41;
/** Enough for the report of a failed request with its stack. */
const STDERR_BYTES = 16 * 1024;

interface Context {
  readonly cwd: string;
  readonly prices: PriceOverrides;
  readonly events: Pick<AgentEvents, 'activity'>;
}

/** Understands what it prints with `-o stream-json`, and on standard error of its retries. */
export function geminiOutput({cwd, prices, events}: Context): Pick<AgentRun, 'stdout' | 'stderr' | 'ended'> {
  const stderr = textTail(STDERR_BYTES);
  const calls = new Map<string, {readonly name: string; readonly detail: string}>();
  const denied: string[] = [];
  let text = '';
  let piece = '';
  let result: JsonObject | null = null;
  let usage = NO_AGENT_USAGE;
  let fatal: string | null = null;

  const tell = (activity: Activity) => {
    events.activity(activity);
  };
  const retries = geminiRetries(tell);

  /** A message comes in pieces and is whole when something else follows. */
  function finishMessage(): void {
    if (piece.trim() !== '') {
      text = piece;
      tell({kind: 'message', text});
    }
    piece = '';
  }

  function onCall(line: JsonObject): void {
    const name = textField(line, 'tool_name') ?? 'tool';
    const detail = detailOf(field(line, 'parameters'));
    calls.set(textField(line, 'tool_id') ?? '', {name, detail});
    if (!EDITS.has(name)) tell({kind: 'tool', name, detail});
  }

  function onResult(line: JsonObject): void {
    const id = textField(line, 'tool_id') ?? '';
    const call = calls.get(id);
    calls.delete(id);
    if (call === undefined) return;
    if (textField(line, 'status') === 'success') {
      if (EDITS.has(call.name)) tell({kind: 'edit', path: pathIn(cwd, call.detail)});
      return;
    }
    const type = textField(line, 'error', 'type');
    if (type === 'policy_violation' || (type === 'tool_not_registered' && TOOLS_WITH_RULES.has(call.name))) {
      const what = call.detail === '' ? call.name : `${call.name}: ${call.detail}`;
      denied.push(what);
      tell({kind: 'permission', what, granted: false});
    }
  }

  /** Without any tokens nothing was answered. */
  function onUsage(found: AgentUsage): void {
    usage = found;
    if (found.outputTokens !== null) tell({kind: 'usage', usage});
  }

  const lines = jsonLines({
    object(line) {
      const type = textField(line, 'type');
      if (type !== 'message') finishMessage();
      switch (type) {
        case 'init': {
          const id = textField(line, 'session_id');
          return id === null ? undefined : tell({kind: 'session', id});
        }
        case 'message':
          if (textField(line, 'role') === 'assistant') piece += textField(line, 'content') ?? '';
          return;
        case 'tool_use':
          return onCall(line);
        case 'tool_result':
          return onResult(line);
        case 'error':
          if (textField(line, 'severity') === 'error') fatal = textField(line, 'message');
          return;
        case 'result':
          result = line;
          return onUsage(usageIn(line, prices));
        default:
      }
    },
    noise: noise => tell({kind: 'noise', text: noise}),
  });

  function errorOf(exit: Exit): AgentError | null {
    const status = textField(result ?? {}, 'status');
    if (status === 'success' && exit.exitCode === 0) return null;
    if (exit.exitCode === NO_LOGIN) return {kind: 'auth', detail: stderr.text()};
    const message = textField(result ?? {}, 'error', 'message') ?? fatal;
    if (message === null) return retries.last() ?? endedEarly('gemini', exit, stderr.text());
    return {...geminiError(`${stderr.text()}\n${message}`, exit.exitCode), detail: message};
  }

  return {
    stdout: chunk => lines.push(chunk),
    stderr(chunk) {
      stderr.push(chunk);
      retries.push(chunk);
    },
    ended(exit): AgentResult {
      lines.end();
      finishMessage();
      const error = errorOf(exit);
      return {
        result: error === null ? {ok: true} : {ok: false, error},
        text,
        usage,
        denied,
      };
    },
  };
}

function detailOf(parameters: JsonValue | undefined): string {
  for (const name of ['command', 'file_path', 'absolute_path', 'path', 'pattern', 'query', 'prompt', 'url']) {
    const value = textField(parameters, name);
    if (value !== null) return value;
  }
  return '';
}

/** It counts by model. What it has thought is in the total only, and is paid like what it says. */
function usageIn(result: JsonObject, prices: PriceOverrides): AgentUsage {
  const models = field(result, 'stats', 'models');
  const parts = Object.keys(models ?? {}).flatMap((model): readonly Spent[] => {
    const all = countField(models, model, 'total_tokens');
    const input = countField(models, model, 'input_tokens');
    const output = countField(models, model, 'output_tokens');
    const cached = countField(models, model, 'cached') ?? 0;
    if (input === null || output === null || input + output === 0) return [];
    return [
      {
        model,
        usd: null,
        inputTokens: input - cached,
        outputTokens: Math.max(output, (all ?? 0) - input),
        cacheReadTokens: cached,
        cacheWriteTokens: null,
      },
    ];
  });
  return totalSpent(parts, {runtime: 'gemini', prices});
}
