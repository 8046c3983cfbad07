import {seededRandom} from '../../../src/base/random.ts';
import {episode} from './hub-rig.ts';

/** Frames of every kind, damaged in one of many ways each: what an attacker or a broken client may send. Replayable. */
export function damagedFrames({
  seed,
  count,
  agentId,
}: {
  seed: number;
  count: number;
  agentId: string;
}): readonly string[] {
  const random = seededRandom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]): T => items[below(items.length)]!;
  const samples = goodFrames(agentId).map(frame => JSON.stringify(frame));
  return Array.from({length: count}, () => {
    const text = pick(samples);
    const way = below(8);
    const at = below(text.length);
    if (way === 0) return text.slice(0, at);
    if (way === 1) return text.slice(0, at) + String.fromCharCode(below(0x500)) + text.slice(at + 1);
    if (way === 2) return text.slice(0, at) + pick(samples) + text.slice(at);
    if (way === 3) return text.replace(/:("[^"]*"|\d+|null|true)/, `:${pick(VALUES)}`);
    if (way === 4)
      return text.replaceAll(/:("[^"]*"|\d+|null|true)/g, found => (random() < 0.2 ? `:${pick(VALUES)}` : found));
    if (way === 5) return text.replace('{', `{${pick(KEYS)}:${pick(VALUES)},`);
    if (way === 6) return text.replace(/"([a-zA-Z]+)":/, `${pick(KEYS)}:`);
    return pick(WHOLE);
  });
}

const VALUES = [
  'null',
  '-1',
  '1e999',
  '-0',
  '9007199254740993',
  '0.1',
  'true',
  '""',
  '[]',
  '{}',
  '[[[[[[[[[[]]]]]]]]]]',
  '{"__proto__":{"polluted":1}}',
  '{"constructor":{"prototype":{"polluted":1}}}',
  `"${'x'.repeat(3000)}"`,
  '"\'; DROP TABLE episodes; --"',
  '"\\u0000"',
  '"\\ud800"',
  '"victim"',
  '"t1"',
  '"*"',
  '"%"',
];
const KEYS = [
  '"__proto__"',
  '"constructor"',
  '"prototype"',
  '"tenantId"',
  '"agentId"',
  '"from"',
  '"role"',
  '"id"',
  '"type"',
  '""',
  '"\\u0000"',
];
const WHOLE = [
  '',
  'null',
  '0',
  '"',
  '{',
  '[]',
  '{}',
  '{"type":',
  '\u0000',
  '{"type":"welcome","id":1}',
  '['.repeat(20_000),
  `{"type":"${'x'.repeat(5000)}"}`,
];

function goodFrames(agentId: string): readonly unknown[] {
  const subscription = {news: true, topics: ['a']};
  const presence = {status: 'busy', doing: null, skills: ['ts']};
  const message = {
    id: 'm',
    to: null,
    topic: null,
    kind: 'message',
    body: {a: [1, {b: null}]},
    priority: 'high',
    correlationId: null,
  };
  const change = {id: 'c', episode: 'e', by: agentId, at: '0'};
  const episodes = [episode(agentId), episode(agentId)];
  return [
    {type: 'hello', id: 1, versions: [1], token: 'token', sessionId: null, presence, subscription},
    {type: 'refresh', id: 2, token: 'token'},
    {type: 'pull', id: 3, since: 0, limit: 10},
    {type: 'push', id: 4, items: episodes.map(told => ({kind: 'episode', episode: told}))},
    {type: 'push', id: 5, items: [{kind: 'change', change: {...change, kind: 'vote', value: 1}}]},
    {type: 'push', id: 6, items: [{kind: 'change', change: {...change, kind: 'tag', add: ['a'], remove: []}}]},
    {type: 'recall', id: 7, query: 'how', k: 3, explain: true},
    {type: 'get', id: 8, episode: 'e'},
    {type: 'states', id: 16, episodes: ['e', 'f']},
    {type: 'presence', id: 9, presence},
    {type: 'who', id: 10},
    {type: 'subscribe', id: 11, subscription},
    {type: 'message', id: 12, message},
    {type: 'message', id: 13, message: {...message, to: 'victim'}},
    {type: 'message', id: 16, message: {...message, skills: ['ts']}},
    {type: 'received', messages: ['m']},
    {type: 'document', id: 14, document: 'd', vector: 'AA==', update: 'AQ=='},
    {type: 'stats', id: 15},
  ];
}
