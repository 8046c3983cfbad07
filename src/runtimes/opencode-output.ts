import {StringDecoder} from 'node:string_decoder';
import type {JsonValue} from '../base/json.ts';
import type {Activity, AgentError, AgentEvents, AgentResult, AgentRun} from './agent-runtime.ts';
import {classify, retryCause} from './classify.ts';
import {type Exit, endedEarly} from './ended-early.ts';
import {countField, field, listField, textField} from './json-field.ts';
import {jsonLines} from './json-lines.ts';
import {OPENCODE_DENIED} from './opencode-permissions.ts';
import {pathIn} from './path-in.ts';
import type {PriceOverrides} from './prices.ts';
import {type Spent, totalSpent} from './spending.ts';
import {textTail} from './text-tail.ts';

const EDITS = new Set(['write', 'edit', 'multiedit', 'patch', 'apply_patch']);
const UNAVAILABLE = /unavailable tool '([^']+)'/;
const LOG_ERROR = /^timestamp=.*\bmessage="stream error".*\berror\.error="((?:[^"\\]|\\.)*)"/;
const FINAL: ReadonlySet<AgentError['kind']> = new Set(['auth', 'context-too-long', 'refused']);
const MAX_LINE = 8192;

interface Context {
  readonly cwd: string;
  readonly model: string | null;
  readonly prices: PriceOverrides;
  readonly events: Pick<AgentEvents, 'activity'>;
}

/** Understands what `opencode run --format json` prints, and in its log that it tries again. */
export function opencodeOutput({model, cwd, prices, events}: Context): Pick<AgentRun, 'stdout' | 'stderr' | 'ended'> {
  const stderr = textTail();
  const decoder = new StringDecoder('utf8');
  const steps: Spent[] = [];
  const denied: string[] = [];
  let session: string | null = null;
  let text = '';
  let reason: string | null = null;
  let trouble: AgentError | null = null;
  let lastRetry: AgentError | null = null;
  let logRest = '';

  const tell = (activity: Activity) => {
    events.activity(activity);
  };
  const usage = () => totalSpent(steps, {runtime: 'opencode', prices});

  function onTool(part: JsonValue | undefined): void {
    const name = textField(part, 'tool') ?? 'tool';
    const input = field(part, 'state', 'input');
    const detail = textField(part, 'state', 'metadata', 'filepath') ?? detailOf(input);
    const error = textField(part, 'state', 'error') ?? (name === 'invalid' ? textField(input, 'error') : null);
    const taken = UNAVAILABLE.exec(error ?? '')?.[1];
    if (taken !== undefined) return refuse(taken);
    if (error !== null && OPENCODE_DENIED.test(error)) return refuse(detail === '' ? name : `${name}: ${detail}`);
    if (EDITS.has(name)) return error === null ? onEdit(part, detail) : undefined;
    tell({kind: 'tool', name, detail});
  }

  /** A patch may change several files, and names them in what came of it. */
  function onEdit(part: JsonValue | undefined, detail: string): void {
    const files = listField(part, 'state', 'metadata', 'files').flatMap(file => textField(file, 'filePath') ?? []);
    for (const path of files.length > 0 ? files : [detail]) tell({kind: 'edit', path: pathIn(cwd, path)});
  }

  function refuse(what: string): void {
    denied.push(what);
    tell({kind: 'permission', what, granted: false});
  }

  function onStepFinish(part: JsonValue | undefined): void {
    reason = textField(part, 'reason');
    // A step that has come to its end is behind whatever went wrong before it.
    trouble = null;
    lastRetry = null;
    steps.push(spentIn(part, model));
    tell({kind: 'usage', usage: usage()});
  }

  const lines = jsonLines({
    object(line) {
      const id = textField(line, 'sessionID');
      if (session === null && id !== null) {
        session = id;
        tell({kind: 'session', id});
      }
      const part = field(line, 'part');
      switch (textField(line, 'type')) {
        case 'text':
          text = textField(part, 'text') ?? '';
          return tell({kind: 'message', text});
        case 'tool_use':
          return onTool(part);
        case 'step_finish':
          return onStepFinish(part);
        case 'error':
          trouble = errorIn(field(line, 'error'));
          return;
        default:
      }
    },
    noise: noise => tell({kind: 'noise', text: noise}),
  });

  function onLog(chunk: Uint8Array): void {
    const found = (logRest + decoder.write(Buffer.from(chunk))).split('\n');
    logRest = (found.pop() ?? '').slice(-MAX_LINE);
    for (const line of found) {
      const error = LOG_ERROR.exec(line)?.[1];
      if (error !== undefined) onFailedRequest(error);
    }
  }

  /** It logs every request that fails and does not say whether it tries again: not where that is of no use. */
  function onFailedRequest(detail: string): void {
    const found = classify({text: detail});
    if (FINAL.has(found.kind)) return;
    lastRetry = found;
    tell({kind: 'retry', cause: retryCause({text: detail}), delayMs: null, detail});
  }

  function errorOf(exit: Exit): AgentError | null {
    if (trouble !== null) return trouble;
    if (exit.exitCode !== 0 && lastRetry !== null) return lastRetry;
    if (exit.exitCode !== 0 || reason === null) return endedEarly('opencode', exit, stderr.text());
    return errorByReason(reason);
  }

  return {
    stdout: chunk => lines.push(chunk),
    stderr(chunk) {
      stderr.push(chunk);
      onLog(chunk);
    },
    ended(exit): AgentResult {
      lines.end();
      const error = errorOf(exit);
      return {result: error === null ? {ok: true} : {ok: false, error}, text, usage: usage(), denied};
    },
  };
}

/** Why the last step ended says whether there was an answer. */
function errorByReason(reason: string): AgentError | null {
  switch (reason) {
    case 'stop':
      return null;
    case 'content-filter':
      return {kind: 'refused', detail: 'the provider has filtered the answer'};
    case 'length':
      return {kind: 'bad-output', detail: 'the answer was longer than the model may write'};
    default:
      return {kind: 'crashed', detail: `opencode ended in the middle of its work (${reason})`};
  }
}

function errorIn(error: JsonValue | undefined): AgentError {
  const name = textField(error, 'name') ?? 'error';
  const text = textField(error, 'data', 'message') ?? textField(error, 'message') ?? name;
  if (name === 'ContextOverflowError') return {kind: 'context-too-long', detail: text};
  if (name === 'ProviderAuthError') return {kind: 'auth', detail: text};
  const body = textField(error, 'data', 'responseBody') ?? '';
  const found = classify({
    text: `${text} ${body}`,
    status: countField(error, 'data', 'statusCode'),
    retryAfter: textField(error, 'data', 'responseHeaders', 'retry-after'),
  });
  return {...found, detail: text};
}

/** A model whose price opencode does not know costs 0 there, as a free one does: both are left to the price table. */
function spentIn(part: JsonValue | undefined, model: string | null): Spent {
  const cost = countField(part, 'cost');
  const output = countField(part, 'tokens', 'output');
  return {
    model: model ?? '',
    usd: cost === 0 ? null : cost,
    inputTokens: countField(part, 'tokens', 'input'),
    outputTokens: output === null ? null : output + (countField(part, 'tokens', 'reasoning') ?? 0),
    cacheReadTokens: countField(part, 'tokens', 'cache', 'read'),
    cacheWriteTokens: countField(part, 'tokens', 'cache', 'write'),
  };
}

function detailOf(input: JsonValue | undefined): string {
  for (const name of ['command', 'filePath', 'pattern', 'path', 'url', 'query', 'description']) {
    const value = textField(input, name);
    if (value !== null) return value;
  }
  return '';
}
