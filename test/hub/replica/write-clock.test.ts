import fc from 'fast-check';
import {expect, test} from 'vitest';
import {openCache} from '../../../src/hub/client/store/open-cache.ts';
import {compareWrites, type Order, type PlacedWrite, saw} from '../../../src/hub/replica/write-clock.ts';
import type {LogEntry, WrittenClock} from '../../../src/model/episode.ts';
import {episode} from '../server/store/sample-episodes.ts';

const LOG = 'the-log';

/** One write with all that happened before it, spelled out: the brute-force answer to who saw what. */
interface Told {
  readonly clock: WrittenClock;
  readonly past: ReadonlySet<Told>;
  readonly entry: Extract<LogEntry, {kind: 'episode'}>['episode'];
  position: number | null;
}

interface Step {
  readonly kind: 'write' | 'push' | 'pull' | 'die';
  readonly who: number;
  readonly count: number;
}

const AGENTS = 4;
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('write', 'write', 'push', 'push', 'pull', 'die'),
    who: fc.nat({max: AGENTS - 1}),
    count: fc.integer({min: 1, max: 4}),
  }),
  {maxLength: 50, size: 'max'},
);

/** An agent with a cache as agents have it, what it has yet to push, and everything it has seen, one by one. */
class Agent {
  readonly cache = openCache({tenantId: 't1', wallMs: () => 1e12});
  readonly seen = new Set<Told>();
  readonly outbox: Told[] = [];

  constructor() {
    this.cache.follow(LOG);
  }
}

/** Agents write, push in order, pull what they like of the log, crash with what they had not pushed, and are replaced by new ones. */
function play(taken: readonly Step[]): {writes: Told[]; log: Told[]} {
  const [writes, log]: [Told[], Told[]] = [[], []];
  const agents = Array.from({length: AGENTS}, () => new Agent());
  for (const {kind, who, count} of taken) {
    const agent = agents[who];
    if (agent === undefined) continue;
    const {cache, seen, outbox} = agent;
    if (kind === 'write') {
      const entry = episode({id: `e${writes.length}`});
      const told: Told = {clock: cache.clock(), past: new Set(seen), entry, position: null};
      seen.add(told);
      outbox.push(told);
      writes.push(told);
    } else if (kind === 'push') {
      const next = outbox.shift();
      if (next === undefined) continue;
      log.push(next);
      next.position = log.length;
    } else if (kind === 'pull') {
      const page = log.slice(cache.position, cache.position + count);
      cache.applyPage(page.map(({entry, position}) => ({kind: 'episode', episode: entry, position: position ?? 0})));
      for (const told of page) {
        seen.add(told);
        for (const before of told.past) seen.add(before);
      }
    } else {
      cache.close();
      agents[who] = new Agent();
    }
  }
  for (const {cache} of agents) cache.close();
  return {writes, log};
}

function truth(a: Told, b: Told): Order {
  if (a === b) return 'equal';
  if (b.past.has(a)) return 'before';
  return a.past.has(b) ? 'after' : 'concurrent';
}

test('the clocks that caches make say of any two writes what their whole histories say', () => {
  const met = new Set<Order>();
  fc.assert(
    fc.property(steps, taken => {
      const {writes} = play(taken);
      for (const a of writes) {
        for (const b of writes) {
          expect(compareWrites(a, b)).toBe(truth(a, b));
          expect(saw(b, a)).toBe(b.past.has(a));
          met.add(truth(a, b));
        }
      }
    }),
    {numRuns: 60},
  );
  expect([...met].toSorted()).toEqual(['after', 'before', 'concurrent', 'equal']);
});

test('positions of another log say nothing, so that writes on both sides of a restore are in conflict', () => {
  const before: PlacedWrite = {clock: ['log-1', 'a', 1, 0], position: 3};
  expect(compareWrites(before, {clock: ['log-2', 'b', 1, 9], position: 10})).toBe('concurrent');
  expect(compareWrites(before, {clock: ['log-1', 'b', 1, 9], position: 10})).toBe('before');
  expect(compareWrites({clock: ['none', 'a', 1, 0], position: 3}, {clock: ['none', 'b', 1, 9], position: 10})).toBe(
    'concurrent',
  );
});
