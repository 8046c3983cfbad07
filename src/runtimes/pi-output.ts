import type {JsonValue} from '../base/json.ts';
import type {Activity, AgentError, AgentEvents, AgentResult, AgentRun, AgentUsage} from './agent-runtime.ts';
import {addAgentUsage} from './agent-usage.ts';
import {classify, retryCause} from './classify.ts';
import {type JsonObject, jsonLines} from './json-lines.ts';
import {countField, field, listField, textField} from './json-field.ts';
import {REFUSAL} from './pi-guard/policy.ts';
import type {PriceOverrides} from './prices.ts';
import {type Spent, totalSpent} from './spending.ts';
import {textTail} from './text-tail.ts';

const EDITS = new Set(['edit', 'write']);
/** Lines that repeat everything said so far with every word that comes; the whole follows. */
const REPEATS = [
  '{"type":"message_update"',
  '{"type":"tool_execution_update"',
  '{"type":"turn_end"',
  '{"type":"agent_end"',
];
/** What it says when a provider has ended an answer as refused, or as filtered, without any words. */
const WORDLESS = 'An unknown error occurred';
/** It then takes the price of another model for this one's. */
const UNKNOWN_MODEL = /Using custom model id/;

interface Context {
  readonly cwd: string;
  readonly prices: PriceOverrides;
  readonly events: Pick<AgentEvents, 'activity'>;
}

interface LastMessage {
  readonly text: string;
  readonly stopReason: string | null;
  readonly error: string | null;
}

/** Understands what it prints with `--mode json`. */
export function piOutput({cwd, prices, events}: Context): Pick<AgentRun, 'stdout' | 'stderr' | 'ended'> {
  const stderr = textTail();
  const calls = new Map<string, string>();
  const denied: string[] = [];
  const spent = new Map<string, Spent>();
  /** What the answer that has begun is billed already; it may never end. */
  let begun: Spent | null = null;
  let last: LastMessage | null = null;
  let text = '';
  /** It has had its conversation summarised, and does not tell what that request has used. */
  let untold = false;

  const tell = (activity: Activity) => {
    events.activity(activity);
  };

  function usage(): AgentUsage {
    const guessed = UNKNOWN_MODEL.test(stderr.text());
    const all = begun === null ? [...spent.values()] : [...spent.values(), begun];
    const parts = all.map(part => (guessed ? {...part, usd: null} : part));
    const total = totalSpent(parts, {runtime: 'pi', prices});
    return untold ? {...total, usd: null} : total;
  }

  function onMessage(message: JsonValue | undefined): void {
    if (textField(message, 'role') !== 'assistant') return;
    const said = listField(message, 'content')
      .map(block => textField(block, 'text'))
      .filter(part => part !== null)
      .join('');
    if (said !== '') {
      text = said;
      tell({kind: 'message', text: said});
    }
    last = {text: said, stopReason: textField(message, 'stopReason'), error: textField(message, 'errorMessage')};
    const part = spentOf(message);
    begun = null;
    const before = spent.get(part.model);
    spent.set(part.model, before === undefined ? part : {model: part.model, ...bothKnown(before, part)});
    // Whoever hears of usage takes it for an answer of the provider.
    if ((part.outputTokens ?? 0) > 0) tell({kind: 'usage', usage: usage()});
  }

  function onCall(line: JsonObject): void {
    const name = textField(line, 'toolName') ?? 'tool';
    const detail = detailOf(field(line, 'args'), cwd);
    calls.set(textField(line, 'toolCallId') ?? '', detail);
    if (!EDITS.has(name)) tell({kind: 'tool', name, detail});
  }

  function onCalled(line: JsonObject): void {
    const id = textField(line, 'toolCallId') ?? '';
    const name = textField(line, 'toolName') ?? 'tool';
    const detail = calls.get(id) ?? '';
    calls.delete(id);
    const failed = field(line, 'isError') === true;
    if (EDITS.has(name) && !failed) tell({kind: 'edit', path: detail});
    if (!failed || textField(line, 'result', 'content', 0, 'text')?.startsWith(REFUSAL) !== true) return;
    const what = `${name} ${detail}`.trim();
    denied.push(what);
    tell({kind: 'permission', what, granted: false});
  }

  function onLine(line: JsonObject): void {
    switch (textField(line, 'type')) {
      case 'session': {
        const id = textField(line, 'id');
        if (id !== null) tell({kind: 'session', id});
        return;
      }
      case 'message_start':
        if (textField(line, 'message', 'role') === 'assistant') begun = spentOf(field(line, 'message'));
        return;
      case 'message_end':
        onMessage(field(line, 'message'));
        return;
      case 'tool_execution_start':
        onCall(line);
        return;
      case 'tool_execution_end':
        onCalled(line);
        return;
      case 'compaction_start':
        untold = true;
        return;
      case 'auto_retry_start': {
        const detail = textField(line, 'errorMessage') ?? '';
        const cause = retryCause({text: detail});
        tell({kind: 'retry', cause, delayMs: countField(line, 'delayMs'), detail});
        return;
      }
      default:
        return;
    }
  }

  const lines = jsonLines(
    {
      object: onLine,
      noise: noise => {
        tell({kind: 'noise', text: noise});
      },
    },
    {skip: REPEATS},
  );
  return {
    stdout: lines.push,
    stderr: stderr.push,
    ended(exit): AgentResult {
      lines.end();
      const error = errorOf(last, {...exit, stderr: stderr.text()});
      return {result: error === null ? {ok: true} : {ok: false, error}, text, usage: usage(), denied};
    },
  };
}

interface End {
  readonly exitCode: number | null;
  readonly signal: string | null;
  readonly stderr: string;
}

/** It exits with 0 whatever has happened: the last message tells. */
function errorOf(last: LastMessage | null, {exitCode, signal, stderr}: End): AgentError | null {
  if (signal !== null || exitCode !== 0) {
    const how = signal ?? `exit code ${exitCode ?? '?'}`;
    const detail = `it ended with ${how}${stderr === '' ? '' : `: ${stderr}`}`;
    return signal === null && stderr !== '' ? classify({text: detail}) : {kind: 'crashed', detail};
  }
  if (last === null) return {kind: 'bad-output', detail: stderr === '' ? 'it ended without an answer' : stderr};
  switch (last.stopReason) {
    case 'stop':
      return null;
    case 'error':
      return last.error === null || last.error === WORDLESS
        ? {kind: 'refused', detail: last.text === '' ? 'the model has declined, without a word' : last.text}
        : classify({text: last.error});
    case 'length':
      return {kind: 'crashed', detail: 'its answer was cut off: it was longer than the model may write at once'};
    default:
      return {kind: 'crashed', detail: `it ended in the middle of its work (${last.stopReason ?? 'no reason given'})`};
  }
}

function spentOf(message: JsonValue | undefined): Spent {
  const tokens = {
    inputTokens: countField(message, 'usage', 'input'),
    outputTokens: countField(message, 'usage', 'output'),
    cacheReadTokens: countField(message, 'usage', 'cacheRead'),
    cacheWriteTokens: countField(message, 'usage', 'cacheWrite'),
  };
  const cost = countField(message, 'usage', 'cost', 'total');
  const any = Object.values(tokens).some(count => (count ?? 0) > 0);
  const model = `${textField(message, 'provider') ?? ''}/${textField(message, 'model') ?? 'unknown'}`;
  // Tokens that cost nothing are those of a model without a price.
  return {model, ...tokens, usd: any && cost === 0 ? null : cost};
}

/** As `addAgentUsage`, but a cost that is unknown in one message is unknown of all. */
function bothKnown(a: Spent, b: Spent): AgentUsage {
  return {...addAgentUsage(a, b), usd: a.usd === null || b.usd === null ? null : a.usd + b.usd};
}

function detailOf(args: JsonValue | undefined, cwd: string): string {
  const detail = ['command', 'path', 'pattern'].map(key => textField(args, key)).find(value => value !== null) ?? '';
  return detail.startsWith(`${cwd}/`) ? detail.slice(cwd.length + 1) : detail;
}
