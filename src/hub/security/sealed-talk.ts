import type {ActiveAgent, HubMessage, PresenceNote} from '../../model/hub.ts';
import {isSealedText, sealedLength} from './end-to-end.ts';
import type {TenantSeal} from './tenant-seal.ts';

/** What the hub is shown of an agent that seals what it says of itself. */
const SEALED_STATUS = 'sealed';
/** Characters that `doing` may have on the wire. */
const MAX_DOING_CHARS = 2000;

/** All of a message but what the hub adds, and who sends it. */
type Sent = Omit<HubMessage, 'sentAtMs'>;

/** Its body as text that opens only in the message that it is in: from whom, to whom, of what kind, and as answer to what. */
export function sealBody(seal: TenantSeal, message: Sent): unknown {
  const json = JSON.stringify(message.body) as string | undefined;
  // What is no JSON, the hub refuses.
  return json === undefined ? message.body : seal.sealText(json, messageContext(message));
}

/** The message with its body as it was; as it is where it cannot be opened, was changed, or is plain. */
export function openMessage(seal: TenantSeal, message: HubMessage): HubMessage {
  if (!isSealedBody(message)) return message;
  const json = seal.openText(message.body, messageContext(message));
  const body = json === null ? undefined : parsed(json);
  return body === undefined ? message : {...message, body};
}

/** Whether a body says nothing to whoever has not opened it. */
export function isSealedBody<T extends {readonly body: unknown}>(message: T): message is T & {readonly body: string} {
  return typeof message.body === 'string' && isSealedText(message.body);
}

/** How many bytes of what an agent says of itself are too many to be sealed; 0: it fits. */
export function noteExcess(note: PresenceNote): number {
  const over = sealedLength(Buffer.byteLength(JSON.stringify(plainNote(note)))) - MAX_DOING_CHARS;
  return over > 0 ? Math.ceil((over * 3) / 4) : 0;
}

/** All that an agent says of itself, as `doing`, which opens as that of this agent only. */
export function sealNote(seal: TenantSeal, note: PresenceNote, agentId: string): PresenceNote {
  const doing = seal.sealText(JSON.stringify(plainNote(note)), noteContext(agentId));
  return {status: SEALED_STATUS, doing, skills: []};
}

/** The agent with what it has said of itself; as it is where that cannot be opened, or is plain. */
export function openAgent(seal: TenantSeal, agent: ActiveAgent): ActiveAgent {
  if (!isSealedNote(agent)) return agent;
  const json = seal.openText(agent.doing, noteContext(agent.agentId));
  const note = json === null ? null : readNote(parsed(json));
  return note === null ? agent : {...agent, ...note};
}

/** Without what says nothing to whoever has not opened it. */
export function legibleAgent(agent: ActiveAgent): ActiveAgent {
  return isSealedNote(agent) ? {...agent, doing: null} : agent;
}

function isSealedNote(agent: ActiveAgent): agent is ActiveAgent & {readonly doing: string} {
  return agent.doing !== null && isSealedText(agent.doing);
}

function plainNote({status, doing, skills}: PresenceNote): PresenceNote {
  return {status, doing, skills};
}

function messageContext({from, id, to, topic, kind, correlationId}: Sent): readonly string[] {
  return ['godel-message', from, id, to ?? '', topic ?? '', kind, correlationId ?? ''];
}

function noteContext(agentId: string): readonly string[] {
  return ['godel-presence', agentId];
}

/** Null: somebody who has the key writes something else. */
function readNote(value: unknown): PresenceNote | null {
  if (typeof value !== 'object' || value === null) return null;
  const {status, doing, skills}: {status?: unknown; doing?: unknown; skills?: unknown} = value;
  if (typeof status !== 'string' || !(doing === null || typeof doing === 'string') || !Array.isArray(skills))
    return null;
  return {status, doing, skills: skills.filter(skill => typeof skill === 'string')};
}

/** Undefined: it is no JSON. */
function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // Sealed by somebody who has the key, and writes something else.
    return undefined;
  }
}
