import type {ClientContext, Stream} from '@agentclientprotocol/sdk';
import type {JsonValue} from '../base/json.ts';
import {errorOfRequest, resultOfTurn} from './acp-outcome.ts';
import {acpPermission} from './acp-permission.ts';
import type {AcpContext} from './acp-context.ts';
import type {AcpUpdates} from './acp-updates.ts';
import type {AgentResult} from './agent-runtime.ts';
import {field, listField, textField} from './json-field.ts';

/**
 * The modes of known agents in which they ask before they do more than edit, and before they change anything. Not `plan`: in
 * that mode Claude Code over ACP was seen to write files without asking.
 */
const WRITING_MODES = ['workspace-write', 'default'];
const READING_MODES = ['read-only', 'default'];

interface Conversation extends AcpContext {
  readonly stream: Stream;
  readonly updates: AcpUpdates;
  /** Aborted when the agent is to stop by itself. */
  readonly stop: AbortSignal;
}

/** A request of the protocol. Answers come unchecked from the agent and are read field by field. */
type Ask = (method: string, params: unknown) => Promise<JsonValue>;

/** From the first greeting to the end of one turn. Never throws: what goes wrong is the result. */
export async function converse(conversation: Conversation): Promise<AgentResult['result']> {
  try {
    return await turn(conversation);
  } catch (error) {
    return {ok: false, error: errorOfRequest(error)};
  }
}

async function turn(conversation: Conversation): Promise<AgentResult['result']> {
  const {request, stream, updates} = conversation;
  // Loaded here, so that a host without such agents never has it in memory.
  const {client, methods, PROTOCOL_VERSION} = await import('@agentclientprotocol/sdk');
  const app = client({name: 'godel'})
    // Read by hand: a newer agent may say what this SDK does not know, and that is no reason to fail.
    .onNotification(methods.client.session.update, json, ({params}) => updates.take(field(params, 'update')))
    .onRequest(methods.client.session.requestPermission, json, ({params}) => {
      const call = updates.callOf(field(params, 'toolCall'));
      const {granted, outcome} = acpPermission({call, options: listField(params, 'options'), request});
      updates.decided(call, granted);
      return {outcome};
    });
  return app.connectWith(stream, async agent => {
    // A method name of the protocol as a plain string gives the answer as it came.
    const ask: Ask = (method, params) => agent.request<JsonValue>(method, params);
    const greeting = await ask(methods.agent.initialize, {
      protocolVersion: PROTOCOL_VERSION,
      clientCapabilities: {},
      clientInfo: {name: 'godel', version: '1'},
    });
    updates.greeted(greeting);
    const session = await openSession(ask, greeting, conversation);
    await chooseMode(ask, session, request.readOnly);
    await chooseModel(ask, session, conversation);
    updates.begin();
    const prompt = [{type: 'text', text: request.prompt}];
    const forget = cancelOnStop(agent, session.id, conversation.stop);
    const answer = await ask(methods.agent.session.prompt, {sessionId: session.id, prompt}).finally(forget);
    updates.finish(answer);
    return resultOfTurn(answer, updates);
  });
}

/** What comes from `JSON.parse` is this. */
function json(params: unknown): JsonValue {
  return params as JsonValue;
}

interface Session {
  readonly id: string;
  /** What the agent said of it: modes, models, settings. */
  readonly state: JsonValue;
}

async function openSession(ask: Ask, greeting: JsonValue, {request, updates}: Conversation): Promise<Session> {
  const place = {cwd: request.cwd, mcpServers: []};
  const resumed = request.resume === null ? null : await resume(ask, greeting, {...place, sessionId: request.resume});
  if (resumed !== null) {
    updates.opened(resumed.id, 'resumed');
    return resumed;
  }
  const state = await ask('session/new', place);
  const id = textField(state, 'sessionId');
  if (id === null) throw new Error('the agent opened a session without an id');
  updates.opened(id, 'new');
  return {id, state};
}

/** Null when the agent cannot, or no longer knows it: then a new one does as well. */
async function resume(
  ask: Ask,
  greeting: JsonValue,
  params: {readonly sessionId: string; readonly cwd: string; readonly mcpServers: readonly JsonValue[]},
): Promise<Session | null> {
  const capabilities = field(greeting, 'agentCapabilities');
  const method =
    field(capabilities, 'sessionCapabilities', 'resume') != null
      ? 'session/resume'
      : field(capabilities, 'loadSession') === true
        ? 'session/load'
        : null;
  if (method === null) return null;
  try {
    return {id: params.sessionId, state: await ask(method, params)};
  } catch {
    // Whatever is the matter with the old session, a new one will show whether the agent works.
    return null;
  }
}

async function chooseMode(ask: Ask, {id, state}: Session, readOnly: boolean): Promise<void> {
  const offered = listField(state, 'modes', 'availableModes').map(mode => textField(mode, 'id'));
  const wanted = (readOnly ? READING_MODES : WRITING_MODES).find(mode => offered.includes(mode));
  if (wanted === undefined || wanted === textField(state, 'modes', 'currentModeId')) return;
  await ask('session/set_mode', {sessionId: id, modeId: wanted});
}

/** Agents have two ways of it. One that has neither, and no place for it in its command, does not do what was asked for. */
async function chooseModel(ask: Ask, {id, state}: Session, {request, modelByCommand}: Conversation): Promise<void> {
  const {model} = request;
  if (model === null || modelByCommand) return;
  const setting = listField(state, 'configOptions').find(option => textField(option, 'category') === 'model');
  const settingId = textField(setting, 'id');
  if (settingId !== null) {
    await ask('session/set_config_option', {sessionId: id, configId: settingId, value: model});
  } else if (field(state, 'models') != null) {
    await ask('session/set_model', {sessionId: id, modelId: model});
  } else {
    throw new Error(`the agent does not let its model be chosen; put {model} into its command instead of ${model}`);
  }
}

/** Tells the agent to stop its turn, when somebody wants it to. */
function cancelOnStop(agent: ClientContext, sessionId: string, stop: AbortSignal): () => void {
  const cancel = () => {
    agent.notify('session/cancel', {sessionId}).catch(() => {
      // The connection is closed: then it has stopped already.
    });
  };
  stop.addEventListener('abort', cancel, {once: true});
  if (stop.aborted) cancel();
  return () => stop.removeEventListener('abort', cancel);
}
