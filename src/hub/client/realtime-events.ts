import {never} from '../../base/never.ts';
import type {Episode, EpisodeChange} from '../../model/episode.ts';
import type {ActiveAgent, HubMessage} from '../../model/hub.ts';
import type {LeftWhy} from './hub-adapter.ts';
import type {Listeners} from './listeners.ts';

export interface TaskAssignment {
  readonly taskId: string;
  readonly description: string;
  /** JSON. */
  readonly data: unknown;
}

export interface TaskReport {
  readonly taskId: string;
  readonly success: boolean;
  /** JSON. */
  readonly result: unknown;
}

export interface HelpRequest {
  readonly question: string;
  /** Who shows all of these was asked; one agent is asked whatever it shows. */
  readonly skills: readonly string[];
  /** JSON. */
  readonly data: unknown;
}

export interface Knowledge {
  readonly title: string;
  readonly content: string;
  readonly tags: readonly string[];
}

export interface StatusUpdate {
  readonly status: string;
  readonly doing: string | null;
}

/** What a message says, with the message that says it. */
export type Told<Body> = Body & {readonly message: HubMessage};

/** What a realtime hub tells its listeners. */
export interface RealtimeEvents {
  'agent:join': ActiveAgent;
  'agent:update': ActiveAgent;
  'agent:leave': {readonly agentId: string; readonly why: LeftWhy};
  /** Everybody who is there, after each connect. */
  'agents:sync': readonly ActiveAgent[];
  /** What others have stored, and changed. */
  'memory:added': {readonly episode: Episode; readonly position: number};
  'memory:updated': {readonly change: EpisodeChange; readonly position: number};
  /** Every message, of whatever kind. */
  'message:received': HubMessage;
  'message:task_assignment': Told<TaskAssignment>;
  'message:task_complete': Told<TaskReport>;
  'message:request_help': Told<HelpRequest>;
  'message:share_knowledge': Told<Knowledge>;
  'message:status_update': Told<StatusUpdate>;
}

/** Tells a message by its kind. What does not have the shape of its kind is left out: others may say anything. */
export function emitKind(listeners: Listeners<RealtimeEvents>, message: HubMessage): void {
  const {kind, body} = message;
  switch (kind) {
    case 'message':
      return;
    case 'task_assignment': {
      const told = readAssignment(body);
      return told ? listeners.emit('message:task_assignment', {...told, message}) : undefined;
    }
    case 'task_complete': {
      const told = readReport(body);
      return told ? listeners.emit('message:task_complete', {...told, message}) : undefined;
    }
    case 'request_help': {
      const told = readHelpRequest(body);
      return told ? listeners.emit('message:request_help', {...told, message}) : undefined;
    }
    case 'share_knowledge': {
      const told = readKnowledge(body);
      return told ? listeners.emit('message:share_knowledge', {...told, message}) : undefined;
    }
    case 'status_update': {
      const told = readStatus(body);
      return told ? listeners.emit('message:status_update', {...told, message}) : undefined;
    }
    default:
      return never(kind);
  }
}

type Fields = Readonly<Record<string, unknown>>;

function readAssignment(body: unknown): TaskAssignment | null {
  if (!isFields(body) || typeof body['taskId'] !== 'string' || typeof body['description'] !== 'string') return null;
  return {taskId: body['taskId'], description: body['description'], data: body['data'] ?? null};
}

function readReport(body: unknown): TaskReport | null {
  if (!isFields(body) || typeof body['taskId'] !== 'string' || typeof body['success'] !== 'boolean') return null;
  return {taskId: body['taskId'], success: body['success'], result: body['result'] ?? null};
}

function readHelpRequest(body: unknown): HelpRequest | null {
  if (!isFields(body) || typeof body['question'] !== 'string') return null;
  return {question: body['question'], skills: textsOf(body['skills']), data: body['data'] ?? null};
}

function readKnowledge(body: unknown): Knowledge | null {
  if (!isFields(body) || typeof body['title'] !== 'string' || typeof body['content'] !== 'string') return null;
  return {title: body['title'], content: body['content'], tags: textsOf(body['tags'])};
}

function readStatus(body: unknown): StatusUpdate | null {
  if (!isFields(body) || typeof body['status'] !== 'string') return null;
  return {status: body['status'], doing: typeof body['doing'] === 'string' ? body['doing'] : null};
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
