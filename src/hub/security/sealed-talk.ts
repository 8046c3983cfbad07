import type {ActiveAgent, HubMessage, PresenceNote} from '../../model/hub.ts';
import {isSealedText, sealedLength} from './end-to-end.ts';
import type {TenantSeal} from './tenant-seal.ts';

/** What the hub is shown of an agent that seals what it says of itself. */
const SEALED_STATUS = 'sealed';
/** What a body is sealed as that has the skills with it. */
const FOR_SKILLS = 'godel-message-for-skills';
/** Characters that `doing` may have on the wire. */
const MAX_DOING_CHARS = 2000;

/** All of a message but what the hub adds, and who sends it. */
type Sent = Omit<HubMessage, 'sentAtMs'>;

/**
 * Its body as text that opens only in the message that it is in: from whom, to whom, of what kind, and as answer to what. The skills that it
 * asks for are sealed with it, since the hub knows nobody's.
 */
export function sealBody(seal: TenantSeal, message: Sent): unknown {
  const {body, skills} = message;
  const json = JSON.stringify(body) as string | undefined;
  // What is no JSON, the hub refuses.
  if (json === undefined) return body;
  if (skills === undefined) return seal.sealText(json, messageContext(message));
  return seal.sealText(JSON.stringify({skills, body}), messageContext(message, FOR_SKILLS));
}

/** The message with its body as it was; as it is where it cannot be opened, was changed, or is plain. */
export function openMessage(seal: TenantSeal, message: HubMessage): HubMessage {
  if (!isSealedBody(message)) return message;
  const json = seal.openText(message.body, messageContext(message));
  const body = json === null ? undefined : parsed(json);
  if (json === null) return openForSkills(seal, message);
  return body === undefined ? message : {...message, body};
}

function openForSkills(seal: TenantSeal, message: HubMessage & {readonly body: string}): HubMessage {
  const json = seal.openText(message.body, messageContext(message, FOR_SKILLS));
  const told = json === null ? null : parsed(json);
  if (typeof told !== 'object' || told === null) return message;
  const {skills, body}: {skills?: unknown; body?: unknown} = told;
  if (!Array.isArray(skills) || body === undefined) return message;
  return {...message, skills: skills.filter(skill => typeof skill === 'string'), body};
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

function messageContext(
  {from, id, to, topic, kind, correlationId}: Sent,
  what: 'godel-message' | typeof FOR_SKILLS = 'godel-message',
): readonly string[] {
  return [what, from, id, to ?? '', topic ?? '', kind, correlationId ?? ''];
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
