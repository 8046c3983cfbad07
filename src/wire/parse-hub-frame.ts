import {z} from 'zod';
import {EPISODE_STANDINGS} from '../model/episode.ts';
import {HUB_ROLES, MESSAGE_KINDS, PRIORITIES} from '../model/hub.ts';
import {changeSchema, episodeSchema, HUB_ERROR_CODES, hubChanges, type HubFrame, MAX_STATES} from './hub-protocol.ts';

const name = z.string().min(1).max(200);
const id = z.number().int().min(0);
const position = z.number().int().min(1);
const head = z.number().int().min(0);
const count = z.number().int().min(0);

const entry = z.discriminatedUnion('kind', [
  z.object({kind: z.literal('episode'), episode: episodeSchema, position}),
  z.object({
    kind: z.literal('change'),
    change: z.discriminatedUnion('kind', [...changeSchema.options, ...hubChanges]),
    position,
  }),
]);
const entries = z.array(entry).max(100_000);

const state = z.object({
  up: count,
  down: count,
  uses: count,
  tags: z.array(z.string()),
  critique: z.string().nullable(),
  otherCritiques: z.array(z.string()).exactOptional(),
  confirmed: count,
  refuted: count,
  standing: z.enum([...EPISODE_STANDINGS, 'merged']),
  merged: count.exactOptional(),
  mergedInto: name.exactOptional(),
});

const rank = z.number().nullable();
const memory = z.object({
  episode: episodeSchema,
  state,
  score: z.number(),
  why: z
    .object({text: rank, vector: rank, recency: z.number(), reward: z.number(), terms: z.array(z.string())})
    .exactOptional(),
});

const agent = z.object({
  agentId: name,
  role: z.enum(HUB_ROLES),
  sinceMs: z.number(),
  status: z.string(),
  doing: z.string().nullable(),
  skills: z.array(z.string()),
});

const message = z.object({
  id: name,
  from: name,
  to: name.nullable(),
  topic: name.nullable(),
  skills: z.array(z.string()).exactOptional(),
  kind: z.enum(MESSAGE_KINDS),
  body: z.unknown(),
  priority: z.enum(PRIORITIES),
  correlationId: name.nullable(),
  sentAtMs: z.number(),
});

const stats = z.object({
  agents: count,
  episodes: count,
  tenants: count,
  uptimeMs: z.number(),
  syncsPerS: z.number(),
  episodesPerS: z.number(),
  lagMs: z.number(),
  unembedded: count,
});

const pushResult = z.union([
  z.object({id: name, position}),
  z.object({
    id: name,
    code: z.enum(HUB_ERROR_CODES),
    message: z.string(),
    retryAfterMs: z.number().min(0).exactOptional(),
  }),
]);

const recall = z.object({quorum: count, distrusted: z.array(name).max(1000)}).exactOptional();
const left = z.object({agentId: name, why: z.enum(['left', 'lost', 'replaced'])});

/** Keys that are not known are left out, so that a newer hub of the same version may say more. */
const hubFrameSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('welcome'),
    id,
    version: z.number(),
    agentId: name,
    tenantId: name,
    role: z.enum(HUB_ROLES),
    epoch: name,
    head,
    log: name.exactOptional(),
    expiresAtMs: z.number(),
    syncIntervalMs: z.number(),
    recall,
  }),
  z.object({type: z.literal('ok'), id}),
  z.object({
    type: z.literal('error'),
    id: id.nullable(),
    code: z.enum(HUB_ERROR_CODES),
    message: z.string(),
    retryAfterMs: z.number().min(0).nullable(),
  }),
  z.object({type: z.literal('entries'), id, entries, head, more: z.boolean(), recall}),
  z.object({type: z.literal('pushed'), id, results: z.array(pushResult)}),
  z.object({type: z.literal('news'), entries, head, recall}),
  z.object({type: z.literal('recalled'), id, memories: z.array(memory)}),
  z.object({type: z.literal('episode'), id, entry, state}),
  z.object({type: z.literal('states'), id, states: z.array(state.nullable()).min(1).max(MAX_STATES)}),
  z.object({type: z.literal('agents'), id, agents: z.array(agent)}),
  z.object({type: z.literal('presence'), joined: z.array(agent), changed: z.array(agent), left: z.array(left)}),
  z.object({type: z.literal('message'), message}),
  z.object({
    type: z.literal('document'),
    id: id.nullable(),
    document: name,
    vector: z.string().nullable(),
    update: z.string().nullable(),
  }),
  z.object({type: z.literal('stats'), id, stats}),
]);

/** What came out of `JSON.parse` as a frame of the hub's. Throws a ZodError on what is none. */
export function parseHubFrame(value: unknown): HubFrame {
  return hubFrameSchema.parse(value);
}
