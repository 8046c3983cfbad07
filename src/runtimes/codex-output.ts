import type {JsonValue} from '../base/json.ts';
import type {Activity, AgentError, AgentEvents, AgentResult, AgentRun, AgentUsage} from './agent-runtime.ts';
import {NO_AGENT_USAGE} from './agent-usage.ts';
import {classify, retryCause} from './classify.ts';
import {type CodexTokens, codexRollout, codexTokens} from './codex-rollout.ts';
import {type Exit, endedEarly} from './ended-early.ts';
import {field, listField, textField} from './json-field.ts';
import {type JsonObject, jsonLines} from './json-lines.ts';
import {pathIn} from './path-in.ts';
import {type PriceOverrides, costOf, priceOf} from './prices.ts';
import {textTail} from './text-tail.ts';

const STATUS = /\bstatus:? (\d{3})\b/;
const TRIES_AGAIN = /^Reconnecting\.\.\. \d+\/\d+/;

/** Codex passes over what a model says when it refuses, and over nothing else. */
const WITHOUT_A_WORD: AgentError = {
  kind: 'refused',
  detail: 'codex ended its turn without a word, as it does when the model refuses',
};

interface Context {
  readonly model: string | null;
  readonly cwd: string;
  readonly prices: PriceOverrides;
  readonly events: Pick<AgentEvents, 'activity'>;
  /** Where Codex keeps its sessions. */
  readonly folder: string;
  /** What the session had used before: Codex counts the whole of it. */
  readonly before: CodexTokens | null;
}

/** Understands what `codex exec --json` prints. */
export function codexOutput({
  model,
  cwd,
  prices,
  events,
  folder,
  before,
}: Context): Pick<AgentRun, 'stdout' | 'stderr' | 'ended'> {
  const stderr = textTail();
  const denied: string[] = [];
  let session: string | null = null;
  let text = '';
  let items = 0;
  let tokens: CodexTokens | null = null;
  let turn: 'running' | 'completed' | 'failed' = 'running';
  let trouble: string | null = null;

  const tell = (activity: Activity) => {
    events.activity(activity);
  };

  function onError(message: string): void {
    trouble = message;
    if (TRIES_AGAIN.test(message)) {
      tell({kind: 'retry', cause: retryCause(troubleOf(message)), delayMs: null, detail: message});
    }
  }

  function onItem(item: JsonValue | undefined): void {
    if (textField(item, 'type') !== 'error') items += 1;
    switch (textField(item, 'type')) {
      case 'agent_message':
        text = textField(item, 'text') ?? '';
        return tell({kind: 'message', text});
      case 'file_change':
        return onChanges(item);
      case 'command_execution':
        return onCommand(item);
      case 'mcp_tool_call':
        return tell({kind: 'tool', name: textField(item, 'tool') ?? 'mcp', detail: textField(item, 'server') ?? ''});
      case 'web_search':
        return tell({kind: 'tool', name: 'web_search', detail: textField(item, 'query') ?? ''});
      case 'error':
        // A warning, for example that it does not know the model. What ends the turn comes as a line of its own.
        return tell({kind: 'noise', text: textField(item, 'message') ?? ''});
      default:
    }
  }

  function onChanges(item: JsonValue | undefined): void {
    if (textField(item, 'status') === 'declined') return refuse('edit');
    if (textField(item, 'status') !== 'completed') return;
    for (const change of listField(item, 'changes')) {
      const path = textField(change, 'path');
      if (path !== null) tell({kind: 'edit', path: pathIn(cwd, path)});
    }
  }

  function onCommand(item: JsonValue | undefined): void {
    const command = textField(item, 'command') ?? '';
    if (textField(item, 'status') === 'declined') return refuse(command);
    tell({kind: 'tool', name: 'shell', detail: command});
  }

  function refuse(what: string): void {
    denied.push(what);
    tell({kind: 'permission', what, granted: false});
  }

  function count(found: CodexTokens | null): void {
    if (found === null) return;
    tokens = found;
    tell({kind: 'usage', usage: usageOf(found)});
  }

  function usageOf(total: CodexTokens): AgentUsage {
    const counted = {
      inputTokens: total.input - total.cached - total.cacheWritten - inputOf(before),
      outputTokens: total.output - (before?.output ?? 0),
      cacheReadTokens: total.cached - (before?.cached ?? 0),
      cacheWriteTokens: total.cacheWritten - (before?.cacheWritten ?? 0),
    };
    return {...counted, usd: costOf(counted, priceOf('codex', model, prices))};
  }

  const recorded = () => (session === null ? null : (codexRollout(folder, session)?.used() ?? null));

  const lines = jsonLines({
    object(line: JsonObject) {
      switch (textField(line, 'type')) {
        case 'thread.started':
          session = textField(line, 'thread_id');
          if (session !== null) tell({kind: 'session', id: session});
          return;
        case 'item.completed':
          onItem(field(line, 'item'));
          return count(recorded());
        case 'turn.completed':
          turn = 'completed';
          return count(codexTokens(field(line, 'usage')));
        case 'turn.failed':
          turn = 'failed';
          trouble = textField(line, 'error', 'message') ?? trouble;
          return;
        case 'error':
          return onError(textField(line, 'message') ?? '');
        default:
      }
    },
    noise: text => tell({kind: 'noise', text}),
  });

  function errorOf(exit: Exit): AgentError | null {
    if (turn === 'completed' && exit.exitCode === 0) return items > 0 ? null : WITHOUT_A_WORD;
    return trouble === null ? endedEarly('codex', exit, stderr.text()) : classify(troubleOf(trouble));
  }

  return {
    stdout: chunk => lines.push(chunk),
    stderr: chunk => stderr.push(chunk),
    ended(exit): AgentResult {
      lines.end();
      // Of a turn that was cut off only the record of the session knows what it has used.
      if (turn !== 'completed') count(recorded());
      const error = errorOf(exit);
      return {
        result: error === null ? {ok: true} : {ok: false, error},
        text,
        usage: tokens === null ? NO_AGENT_USAGE : usageOf(tokens),
        denied,
      };
    },
  };
}

function troubleOf(text: string): {readonly text: string; readonly status: number | null} {
  const status = STATUS.exec(text)?.[1];
  return {text, status: status === undefined ? null : Number(status)};
}

function inputOf(tokens: CodexTokens | null): number {
  return tokens === null ? 0 : tokens.input - tokens.cached - tokens.cacheWritten;
}
