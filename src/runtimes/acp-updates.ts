import type {JsonValue} from '../base/json.ts';
import type {AcpContext} from './acp-context.ts';
import type {Activity, AgentUsage} from './agent-runtime.ts';
import {NO_AGENT_USAGE} from './agent-usage.ts';
import {countField, field, listField, textField} from './json-field.ts';
import {OPENCODE_DENIED} from './opencode-permissions.ts';
import {pathIn} from './path-in.ts';
import {type Spent, totalSpent} from './spending.ts';

/** A tool call, as far as the agent has told of it. */
export interface AcpCall {
  readonly id: string;
  readonly kind: string;
  readonly title: string;
  readonly paths: readonly string[];
  readonly command: string | null;
}

/** What has been heard from the agent in one conversation. */
export interface AcpUpdates {
  greeted(greeting: JsonValue): void;
  opened(session: string, how: 'new' | 'resumed'): void;
  /** The prompt is sent now; what came before it was history. */
  begin(): void;
  take(update: JsonValue | undefined): void;
  /** The turn is over and this was its answer. */
  finish(answer: JsonValue): void;
  /** There will be no answer: what was being said is all there is. */
  cutOff(): void;
  callOf(call: JsonValue | undefined): AcpCall;
  decided(call: AcpCall, granted: boolean): void;
  text(): string;
  usage(): AgentUsage;
  denied(): readonly string[];
  /** It has said in a way of its own that the turn went wrong. */
  sawError(): boolean;
  sawWork(): boolean;
}

const EDITS = new Set(['edit', 'delete', 'move']);
/** Its count of tokens is that of the last request only, not of the turn. */
const COUNTS_LAST_REQUEST = 'OpenCode';

export function acpUpdates({request, events, runtime, prices}: AcpContext): AcpUpdates {
  const calls = new Map<string, AcpCall>();
  const told = new Set<string>();
  const denied: string[] = [];
  let agent: string | null = null;
  let began: 'not-yet' | 'new' | 'resumed' = 'not-yet';
  let how: 'new' | 'resumed' = 'new';
  let costBefore: number | null = null;
  let cost: number | null = null;
  let tokens: Omit<AgentUsage, 'usd'> = NO_AGENT_USAGE;
  let text = '';
  let piece = '';
  let worked = false;
  let wentWrong = false;

  const tell = (activity: Activity) => {
    events.activity(activity);
  };

  function finishMessage(): void {
    if (piece.trim() !== '') {
      text = piece;
      tell({kind: 'message', text});
    }
    piece = '';
  }

  function callOf(call: JsonValue | undefined): AcpCall {
    const id = textField(call, 'toolCallId') ?? '';
    const known = calls.get(id);
    const paths = pathsIn(call);
    const merged: AcpCall = {
      id,
      kind: textField(call, 'kind') ?? known?.kind ?? 'other',
      title: textField(call, 'title') ?? known?.title ?? '',
      paths: paths.length > 0 ? paths : (known?.paths ?? []),
      command: commandIn(field(call, 'rawInput')) ?? known?.command ?? null,
    };
    calls.set(id, merged);
    return merged;
  }

  function onCall(update: JsonValue | undefined): void {
    worked = true;
    const call = callOf(update);
    const status = textField(update, 'status');
    // opencode does not ask where its settings forbid it.
    if (status === 'failed' && OPENCODE_DENIED.test(textIn(update))) decided(call, false);
    if (EDITS.has(call.kind)) {
      if (status === 'completed') for (const path of call.paths) tell({kind: 'edit', path: pathIn(request.cwd, path)});
    } else if (!told.has(call.id) && (status === 'in_progress' || status === 'completed')) {
      told.add(call.id);
      tell({kind: 'tool', name: call.kind, detail: call.command ?? call.title});
    }
    if (status === 'completed' || status === 'failed') calls.delete(call.id);
  }

  function decided(call: AcpCall, granted: boolean): void {
    const what = call.command ?? (call.title === '' ? call.kind : call.title);
    if (!granted) denied.push(what);
    tell({kind: 'permission', what, granted});
  }

  function usage(): AgentUsage {
    if (cost === null && tokens.inputTokens === null) return NO_AGENT_USAGE;
    // A cost of the whole session says nothing of this part of it when it is not known what went before.
    const own = cost === null || (began === 'resumed' && costBefore === null) ? null : cost - (costBefore ?? 0);
    const spent: Spent = {...tokens, model: request.model ?? '', usd: own};
    return totalSpent([spent], {runtime, prices});
  }

  /** Whoever hears of usage takes it for an answer of the provider. */
  function tellUsage(): void {
    const found = usage();
    if ((found.usd ?? 0) > 0 || (found.outputTokens ?? 0) > 0) tell({kind: 'usage', usage: found});
  }

  function onUsage(update: JsonValue | undefined): void {
    const amount = countField(update, 'cost', 'amount');
    if (amount === null || textField(update, 'cost', 'currency') !== 'USD') return;
    if (began === 'not-yet') {
      costBefore = amount;
    } else {
      cost = amount;
      tellUsage();
    }
  }

  return {
    greeted(greeting) {
      agent = textField(greeting, 'agentInfo', 'name');
    },
    opened(session, opened) {
      how = opened;
      tell({kind: 'session', id: session});
    },
    begin() {
      began = how;
      piece = '';
      calls.clear();
    },
    take(update) {
      const kind = textField(update, 'sessionUpdate');
      if (kind === 'usage_update') return onUsage(update);
      if (began === 'not-yet') return;
      if (kind === 'agent_message_chunk') {
        piece += textField(update, 'content', 'text') ?? '';
        return;
      }
      if (kind === 'tool_call' || kind === 'tool_call_update') {
        finishMessage();
        onCall(update);
      }
      // Codex over ACP ends such a turn as if nothing had happened.
      const thread = textField(update, '_meta', 'codex', 'threadStatus', 'type');
      if (thread !== null) wentWrong = thread === 'systemError';
    },
    finish(answer) {
      // An error that is dressed up as a message is none.
      if (wentWrong) text = piece;
      else finishMessage();
      tokens = agent === COUNTS_LAST_REQUEST ? NO_AGENT_USAGE : tokensIn(answer);
      tellUsage();
    },
    cutOff: finishMessage,
    callOf,
    decided,
    text: () => text,
    usage,
    denied: () => denied,
    sawError: () => wentWrong,
    sawWork: () => worked,
  };
}

/** Some name the files only in the change that they show. */
function pathsIn(call: JsonValue | undefined): readonly string[] {
  const paths = [...listField(call, 'locations'), ...listField(call, 'content')].flatMap(
    place => textField(place, 'path') ?? [],
  );
  return [...new Set(paths)];
}

function commandIn(input: JsonValue | undefined): string | null {
  const parts = listField(input, 'command').filter(part => typeof part === 'string');
  if (parts.length > 0) return parts.join(' ');
  return textField(input, 'command') ?? textField(input, 'cmd');
}

function textIn(call: JsonValue | undefined): string {
  return listField(call, 'content')
    .map(part => textField(part, 'content', 'text') ?? '')
    .join('\n');
}

/** The protocol's own count; that of Gemini CLI stands elsewhere and has the cached ones among the input. */
function tokensIn(answer: JsonValue): Omit<AgentUsage, 'usd'> {
  const usage = field(answer, 'usage');
  const google = field(answer, '_meta', 'quota', 'token_count');
  return {
    inputTokens: countField(usage, 'inputTokens') ?? countField(google, 'input_tokens'),
    outputTokens: countField(usage, 'outputTokens') ?? countField(google, 'output_tokens'),
    cacheReadTokens: countField(usage, 'cachedReadTokens'),
    cacheWriteTokens: countField(usage, 'cachedWriteTokens'),
  };
}
