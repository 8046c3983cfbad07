import type {JsonValue} from '../base/json.ts';
import type {AcpUpdates} from './acp-updates.ts';
import type {AgentError, AgentResult} from './agent-runtime.ts';
import {classify} from './classify.ts';
import {textField} from './json-field.ts';

/** JSON-RPC code of the protocol for an agent that wants somebody to log in first. */
const AUTH_REQUIRED = -32000;
const MAX_DATA = 500;

/** What the end of a turn means. Agents have been seen to put an error into a message and to say that all went well. */
export function resultOfTurn(
  answer: JsonValue,
  updates: Pick<AcpUpdates, 'text' | 'sawError' | 'sawWork'>,
): AgentResult['result'] {
  const reason = textField(answer, 'stopReason');
  const error = reason === 'end_turn' ? errorInDisguise(updates) : errorByReason(reason);
  return error === null ? {ok: true} : {ok: false, error};
}

function errorInDisguise({
  text,
  sawError,
  sawWork,
}: Pick<AcpUpdates, 'text' | 'sawError' | 'sawWork'>): AgentError | null {
  const error = classify({text: text()});
  if (sawError()) return error;
  if (sawWork()) return null;
  if (text().trim() === '') return {kind: 'bad-output', detail: 'the agent ended its turn without a word'};
  return null;
}

function errorByReason(reason: string | null): AgentError {
  switch (reason) {
    case 'refusal':
      return {kind: 'refused', detail: 'the model has refused'};
    case 'max_tokens':
      return {kind: 'bad-output', detail: 'the answer was longer than the model may write'};
    case 'max_turn_requests':
      return {kind: 'crashed', detail: 'the agent has used all requests that it may make for one prompt'};
    case 'cancelled':
      return {kind: 'crashed', detail: 'the agent was cancelled'};
    default:
      return {kind: 'bad-output', detail: `the agent ended its turn with ${reason ?? 'no reason'}`};
  }
}

/** A request that the agent has answered with an error, or that got no answer. */
export function errorOfRequest(error: unknown): AgentError {
  const text = error instanceof Error ? error.message : String(error);
  const code = memberOf(error, 'code');
  if (code === AUTH_REQUIRED) return {kind: 'auth', detail: text};
  const data = memberOf(error, 'data');
  const more = data === undefined ? '' : ` ${JSON.stringify(data).slice(0, MAX_DATA)}`;
  // Some pass the status of the provider's answer on as the code.
  const status = typeof code === 'number' && code >= 400 && code < 600 ? code : null;
  return classify({text: `${text}${more}`, status});
}

function memberOf(value: unknown, key: string): unknown {
  if (typeof value !== 'object' || value === null || !(key in value)) return undefined;
  return (value as Readonly<Record<string, unknown>>)[key];
}
