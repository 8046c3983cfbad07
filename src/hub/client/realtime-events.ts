import type {Episode, EpisodeChange} from '../../model/episode.ts';
import type {ActiveAgent, HubMessage} from '../../model/hub.ts';
import type {LeftWhy} from './hub-adapter.ts';

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
  /** Who has these is asked. */
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

type Fields = Readonly<Record<string, unknown>>;

/** What others say may be anything: null where it is not what its kind should be. */
export function readAssignment(body: unknown): TaskAssignment | null {
  if (!isFields(body) || typeof body['taskId'] !== 'string' || typeof body['description'] !== 'string') return null;
  return {taskId: body['taskId'], description: body['description'], data: body['data'] ?? null};
}

export function readReport(body: unknown): TaskReport | null {
  if (!isFields(body) || typeof body['taskId'] !== 'string' || typeof body['success'] !== 'boolean') return null;
  return {taskId: body['taskId'], success: body['success'], result: body['result'] ?? null};
}

export function readHelpRequest(body: unknown): HelpRequest | null {
  if (!isFields(body) || typeof body['question'] !== 'string') return null;
  return {question: body['question'], skills: textsOf(body['skills']), data: body['data'] ?? null};
}

export function readKnowledge(body: unknown): Knowledge | null {
  if (!isFields(body) || typeof body['title'] !== 'string' || typeof body['content'] !== 'string') return null;
  return {title: body['title'], content: body['content'], tags: textsOf(body['tags'])};
}

export function readStatus(body: unknown): StatusUpdate | null {
  if (!isFields(body) || typeof body['status'] !== 'string') return null;
  return {status: body['status'], doing: typeof body['doing'] === 'string' ? body['doing'] : null};
}

function textsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter(item => typeof item === 'string') : [];
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
