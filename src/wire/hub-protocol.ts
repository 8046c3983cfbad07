import {z} from 'zod';
import {EPISODE_STANDINGS, type EpisodeState, type LogEntry, type Memory} from '../model/episode.ts';
import {
  type ActiveAgent,
  type HubMessage,
  type HubRole,
  MESSAGE_KINDS,
  PRIORITIES,
  type RecallRule,
} from '../model/hub.ts';

/**
 * What clients and hub say to each other: JSON text frames over one WebSocket at `/v1/hub`. The client speaks first
 * (`hello`, with its token); the hub answers `welcome` or `error` and closes. Requests have an `id` of the client's
 * choosing, and every answer carries it. docs/hub-protocol.md is the manual of this file.
 */
export const HUB_PROTOCOL = 1;
export const HUB_PATH = '/v1/hub';

/** The largest frame either side takes, in bytes; the hub may allow less before a client is known. */
export const MAX_HUB_FRAME_BYTES = 4 * 1024 * 1024;
export const MAX_HELLO_BYTES = 16 * 1024;
export const MAX_PULL_ENTRIES = 1000;
export const MAX_PUSH_ITEMS = 500;
export const MAX_RECALL = 100;
/** Episodes whose states are asked for together. */
export const MAX_STATES = 100;
/** Of an episode's task, and of its other texts, in characters. */
export const MAX_TASK_CHARS = 64 * 1024;
export const MAX_TEXT_CHARS = 256 * 1024;

const name = z.string().min(1).max(200);
const text = z.string().max(MAX_TEXT_CHARS);
const requestId = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
const tags = z.array(z.string().min(1).max(100)).max(50);
const skills = z.array(z.string().min(1).max(100)).max(100);
const stamp = z.string().min(1).max(100);

const clockCount = z
  .number()
  .int()
  .max(2 ** 52);
/** Log, node, counter, base: see `WrittenClock`. */
const clock = z
  .tuple([name, name, clockCount.min(1), clockCount.min(0)])
  .readonly()
  .exactOptional();

export const episodeSchema = z.strictObject({
  id: name,
  agentId: name,
  sessionId: name.nullable(),
  task: z.string().min(1).max(MAX_TASK_CHARS),
  input: text,
  output: text,
  critique: text.nullable(),
  reward: z.number().min(0).max(1),
  success: z.boolean(),
  tags,
  at: stamp,
  expiresAtMs: z.number().int().min(0).nullable(),
  signature: z.string().max(200).nullable(),
  clock,
});

const changed = {id: name, episode: name, by: name, at: stamp, clock};
export const changeSchema = z.discriminatedUnion('kind', [
  z.strictObject({...changed, kind: z.literal('vote'), value: z.union([z.literal(1), z.literal(-1)])}),
  z.strictObject({...changed, kind: z.literal('use'), count: z.number().int().min(1).max(1e6)}),
  z.strictObject({...changed, kind: z.literal('tag'), add: tags, remove: tags}),
  z.strictObject({...changed, kind: z.literal('critique'), text}),
  z.strictObject({...changed, kind: z.literal('confirm'), success: z.boolean()}),
  z.strictObject({...changed, kind: z.literal('standing'), standing: z.enum(EPISODE_STANDINGS)}),
]);

const tallied = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
/** Changes that only the hub makes: it tells them, and takes them from nobody. */
export const hubChanges = [
  z.strictObject({...changed, kind: z.literal('merge'), into: name}),
  z.strictObject({...changed, kind: z.literal('tally'), merged: tallied, uses: tallied}),
] as const;

export const logItemSchema = z.discriminatedUnion('kind', [
  z.strictObject({kind: z.literal('episode'), episode: episodeSchema}),
  z.strictObject({kind: z.literal('change'), change: changeSchema}),
]);

const presence = z.strictObject({status: z.string().max(200), doing: z.string().max(2000).nullable(), skills});

/** news: log entries as they come. topics: broadcast messages that name one of them. presence: who comes and goes; true unless said. */
const subscription = z.strictObject({news: z.boolean(), topics: tags, presence: z.boolean().exactOptional()});

const id = requestId;
export const clientFrameSchema = z.discriminatedUnion('type', [
  z.strictObject({
    type: z.literal('hello'),
    id,
    versions: z.array(z.number().int()).min(1).max(20),
    token: z.string().max(8192),
    sessionId: name.nullable(),
    presence: presence.nullable(),
    subscription,
  }),
  z.strictObject({type: z.literal('refresh'), id, token: z.string().max(8192)}),
  z.strictObject({
    type: z.literal('pull'),
    id,
    since: z.number().int().min(0),
    limit: z.number().int().min(1).max(MAX_PULL_ENTRIES),
  }),
  z.strictObject({type: z.literal('push'), id, items: z.array(logItemSchema).min(1).max(MAX_PUSH_ITEMS)}),
  z.strictObject({
    type: z.literal('recall'),
    id,
    query: z
      .string()
      .min(1)
      .max(16 * 1024),
    k: z.number().int().min(1).max(MAX_RECALL),
    tags: tags.optional(),
    onlySuccess: z.boolean().optional(),
    explain: z.boolean().optional(),
  }),
  z.strictObject({type: z.literal('get'), id, episode: name}),
  z.strictObject({type: z.literal('states'), id, episodes: z.array(name).min(1).max(MAX_STATES)}),
  z.strictObject({type: z.literal('presence'), id, presence}),
  z.strictObject({type: z.literal('who'), id}),
  z.strictObject({type: z.literal('subscribe'), id, subscription}),
  z.strictObject({
    type: z.literal('message'),
    id,
    message: z
      .strictObject({
        id: name,
        to: name.nullable(),
        topic: name.nullable(),
        skills: skills.readonly().exactOptional(),
        kind: z.enum(MESSAGE_KINDS),
        body: z.json(),
        priority: z.enum(PRIORITIES),
        correlationId: name.nullable(),
      })
      .refine(({to, skills}) => to === null || skills === undefined, {
        path: ['skills'],
        error: 'skills choose among everybody: leave them out of a message to one agent',
      }),
  }),
  /** The message with this id has been taken in; it is not delivered again. */
  z.strictObject({type: z.literal('received'), messages: z.array(name).min(1).max(1000)}),
  /** A shared document (Yjs): joins it, and tells what the client has that the hub may lack (base64 update). */
  z.strictObject({
    type: z.literal('document'),
    id,
    document: name,
    /** Base64 of a Yjs state vector: answer with what it lacks. */
    vector: z
      .string()
      .max(1024 * 1024)
      .nullable(),
    update: z.string().max(MAX_HUB_FRAME_BYTES).nullable(),
    /** Takes no part in it any more; with vector and update null. */
    leave: z.literal(true).exactOptional(),
  }),
  /** A key that episodes of an agent (null: one's own) are signed with; `signature`: of the claim, by a key that is known. */
  z.strictObject({
    type: z.literal('key'),
    id,
    agentId: name.nullable(),
    publicKey: z.string().max(200),
    signature: z.string().max(200).nullable(),
  }),
  z.strictObject({type: z.literal('stats'), id}),
]);

export type ClientFrame = z.infer<typeof clientFrameSchema>;

/**
 * What became of one pushed item: its position, or why it was not taken. `retryAfterMs`: this item alone may be pushed again then, in
 * milliseconds, and the others need not wait for it.
 */
export type PushResult =
  | {readonly id: string; readonly position: number}
  | {readonly id: string; readonly code: HubErrorCode; readonly message: string; readonly retryAfterMs?: number};

export const HUB_ERROR_CODES = [
  'bad-frame',
  'too-large',
  'too-fast',
  'too-slow',
  'unsupported-version',
  'token-invalid',
  'token-expired',
  'token-revoked',
  'forbidden',
  'not-found',
  'replaced',
  'limit-reached',
  'storage-full',
  'disk-full',
  'unavailable',
  'internal',
] as const;
export type HubErrorCode = (typeof HUB_ERROR_CODES)[number];

export interface HubStats {
  readonly agents: number;
  readonly episodes: number;
  readonly tenants: number;
  readonly uptimeMs: number;
  readonly syncsPerS: number;
  readonly episodesPerS: number;
  /** How far the event loop of the hub is behind, p99 of the last minute in milliseconds. */
  readonly lagMs: number;
  /** Episodes whose vectors are still to be made. */
  readonly unembedded: number;
}

export type HubFrame =
  | {
      readonly type: 'welcome';
      readonly id: number;
      readonly version: number;
      readonly agentId: string;
      readonly tenantId: string;
      readonly role: HubRole;
      /** Of this connection: messages are delivered once per epoch. */
      readonly epoch: string;
      /** The last position of the tenant's log. */
      readonly head: number;
      /** Which log positions count in: with another one than before, all that is known of positions is void. */
      readonly log?: string;
      /** Wall time at which the token ends. */
      readonly expiresAtMs: number;
      readonly syncIntervalMs: number;
      /** Of this tenant, as of now. */
      readonly recall?: RecallRule;
    }
  | {readonly type: 'ok'; readonly id: number}
  | {
      readonly type: 'error';
      /** Null: of the connection. */
      readonly id: number | null;
      readonly code: HubErrorCode;
      readonly message: string;
      /** It may be tried again, after so many milliseconds. */
      readonly retryAfterMs: number | null;
    }
  /** Answer to `pull`; `more`: pull again from the last position. */
  | {
      readonly type: 'entries';
      readonly id: number;
      readonly entries: readonly LogEntry[];
      readonly head: number;
      readonly more: boolean;
      /** Where it is another one than this connection was told last. */
      readonly recall?: RecallRule;
    }
  | {readonly type: 'pushed'; readonly id: number; readonly results: readonly PushResult[]}
  /** What others have added; `entries` is empty where the client is to pull since it was too slow to be told. */
  | {
      readonly type: 'news';
      readonly entries: readonly LogEntry[];
      readonly head: number;
      /** As of `entries`. */
      readonly recall?: RecallRule;
    }
  | {readonly type: 'recalled'; readonly id: number; readonly memories: readonly Memory[]}
  | {readonly type: 'episode'; readonly id: number; readonly entry: LogEntry; readonly state: EpisodeState}
  /** Of the episodes asked for, in their order; null: it is not there, or was forgotten. At least one; where there is too much to tell, not of all. */
  | {readonly type: 'states'; readonly id: number; readonly states: readonly (EpisodeState | null)[]}
  | {readonly type: 'agents'; readonly id: number; readonly agents: readonly ActiveAgent[]}
  | {
      readonly type: 'presence';
      readonly joined: readonly ActiveAgent[];
      readonly changed: readonly ActiveAgent[];
      readonly left: readonly {readonly agentId: string; readonly why: 'left' | 'lost' | 'replaced'}[];
    }
  | {readonly type: 'message'; readonly message: HubMessage}
  /** `vector` (the hub's state) and `update` (what the client lacks), base64; without `id` an update of somebody else. */
  | {
      readonly type: 'document';
      readonly id: number | null;
      readonly document: string;
      readonly vector: string | null;
      readonly update: string | null;
    }
  | {readonly type: 'stats'; readonly id: number; readonly stats: HubStats};
