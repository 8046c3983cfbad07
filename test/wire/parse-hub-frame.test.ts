import {expect, test} from 'vitest';
import type {HubFrame} from '../../src/wire/hub-protocol.ts';
import {parseHubFrame} from '../../src/wire/parse-hub-frame.ts';
import {episode} from '../hub/server/hub-rig.ts';

const agent = {agentId: 'a', role: 'worker', sinceMs: 1, status: 'online', doing: null, skills: []} as const;
const state = {
  up: 0,
  down: 0,
  uses: 0,
  tags: [],
  critique: null,
  confirmed: 0,
  refuted: 0,
  standing: 'active',
} as const;
const told = episode('a', {sessionId: 's', expiresAtMs: 5, signature: 'x'});
const change = {id: 'c', episode: 'e', by: 'a', at: '0', kind: 'tag', add: ['t'], remove: []} as const;
const why = {text: 1, vector: null, recency: 0, reward: 0.1, terms: ['a']};
const message = {
  id: 'm',
  from: 'a',
  to: null,
  topic: 't',
  kind: 'message',
  body: {any: [1, null]},
  priority: 'low',
  correlationId: null,
  sentAtMs: 5,
} as const;
const frames: readonly HubFrame[] = [
  {
    type: 'welcome',
    id: 0,
    version: 1,
    agentId: 'a',
    tenantId: 't',
    role: 'reader',
    epoch: 'e',
    head: 0,
    expiresAtMs: 1,
    syncIntervalMs: 5000,
  },
  {type: 'ok', id: 1},
  {type: 'error', id: null, code: 'too-slow', message: 'm', retryAfterMs: 5},
  {
    type: 'entries',
    id: 1,
    entries: [
      {kind: 'episode', episode: told, position: 1},
      {kind: 'change', change, position: 2},
    ],
    head: 2,
    more: false,
  },
  {
    type: 'pushed',
    id: 1,
    results: [
      {id: 'e', position: 1},
      {id: 'f', code: 'forbidden', message: 'no'},
    ],
  },
  {type: 'news', entries: [], head: 3},
  {type: 'recalled', id: 1, memories: [{episode: told, state, score: 0.5}]},
  {type: 'recalled', id: 1, memories: [{episode: told, state, score: 0.5, why}]},
  {type: 'episode', id: 1, entry: {kind: 'episode', episode: told, position: 1}, state},
  {type: 'agents', id: 1, agents: [agent]},
  {type: 'presence', joined: [agent], changed: [], left: [{agentId: 'b', why: 'lost'}]},
  {type: 'message', message},
  {type: 'document', id: null, document: 'd', vector: null, update: 'AA=='},
  {
    type: 'stats',
    id: 1,
    stats: {
      agents: 1,
      episodes: 1,
      tenants: 1,
      uptimeMs: 1,
      syncsPerS: 0.5,
      episodesPerS: 0,
      lagMs: 0.1,
      unembedded: 0,
    },
  },
];

test.each(frames.map(frame => [frame.type, frame] as const))('a frame %s is read as it is', (_, frame) => {
  expect(parseHubFrame(JSON.parse(JSON.stringify(frame)))).toEqual(frame);
});

test('what a newer hub adds is left out; what is missing, of another type or unknown is refused', () => {
  expect(parseHubFrame({type: 'ok', id: 1, more: true})).toEqual({type: 'ok', id: 1});
  for (const bad of [
    null,
    [],
    {type: 'ok'},
    {type: 'ok', id: '1'},
    {type: 'unheard'},
    {type: 'news', entries: [{kind: 'episode', episode: {...told, reward: 2}, position: 1}], head: 1},
    {type: 'news', entries: [{kind: 'episode', episode: told, position: 0}], head: 1},
    {type: 'message', message: {...message, kind: 'other'}},
  ]) {
    expect(() => parseHubFrame(bad), JSON.stringify(bad)).toThrow();
  }
});
