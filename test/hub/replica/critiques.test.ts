import fc from 'fast-check';
import {expect, test} from 'vitest';
import {EpisodeFold} from '../../../src/hub/replica/episode-fold.ts';
import {HybridClock} from '../../../src/hub/replica/hybrid-clock.ts';
import type {Episode, EpisodeChange, LogItem, WrittenClock} from '../../../src/model/episode.ts';
import {openCache} from '../../../src/hub/client/store/open-cache.ts';
import {StoreRig} from '../server/store/store-rig.ts';
import {episode} from '../server/store/sample-episodes.ts';
import {shuffled} from './lawful.ts';

const LOG = 'the-log';

type Critique = Extract<EpisodeChange, {kind: 'critique'}>;

/** One critique with all that its writer had, spelled out. */
interface Told {
  readonly change: Critique;
  readonly seen: ReadonlySet<Told>;
  position: number | null;
}

interface Step {
  readonly kind: 'write' | 'push' | 'pull';
  readonly who: number;
}

const REPLICAS = 4;
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.record({
    kind: fc.constantFrom('write' as const, 'write' as const, 'push' as const, 'pull' as const),
    who: fc.nat({max: REPLICAS - 1}),
  }),
  {maxLength: 24, size: 'max'},
);

/** Replicas that criticise one episode, which is at position 1; each pushes its own in order, and pulls all there is. */
function play(told: Episode, taken: readonly Step[]): Told[] {
  let wallMs = 1000;
  const log: (Told | null)[] = [null];
  const written: Told[] = [];
  const replicas = Array.from({length: REPLICAS}, (_, index) => ({
    clock: new HybridClock({node: `n${index}`, wallMs: () => wallMs}),
    seen: new Set<Told>(),
    outbox: [] as Told[],
    base: 1,
    count: 0,
  }));
  for (const {kind, who} of taken) {
    const replica = replicas[who];
    if (replica === undefined) continue;
    wallMs += 1;
    if (kind === 'write') {
      replica.count += 1;
      const clock: WrittenClock = [LOG, `n${who}`, replica.count, replica.base];
      const id = `c${written.length}`;
      const at = replica.clock.now();
      const change: Critique = {id, episode: told.id, by: `a${who}`, at, clock, kind: 'critique', text: `said ${id}`};
      const one: Told = {change, seen: new Set(replica.seen), position: null};
      replica.seen.add(one);
      replica.outbox.push(one);
      written.push(one);
    } else if (kind === 'push') {
      const one = replica.outbox.shift();
      if (one === undefined) continue;
      log.push(one);
      one.position = log.length;
    } else {
      for (const one of log.slice(replica.base)) {
        if (one === null) continue;
        replica.seen.add(one);
        replica.clock.observe(one.change.at);
      }
      replica.base = log.length;
    }
  }
  return written;
}

/** From the whole histories: what of the latest four nobody else of them had seen, beside the last. */
function oracle(all: readonly Told[]): readonly string[] {
  const latest = all.toSorted((a, b) => (a.change.at < b.change.at ? 1 : -1)).slice(0, 4);
  return latest
    .slice(1)
    .filter(one => !latest.some(other => other.seen.has(one)))
    .map(({change}) => change.text);
}

test('beside the last critique stands what was said without knowing of it, in hub and replicas alike', () => {
  using rig = new StoreRig();
  const store = rig.open();
  let runs = 0;
  let disputed = 0;
  fc.assert(
    fc.property(steps, fc.infiniteStream(fc.nat()), (taken, random) => {
      runs += 1;
      const told = episode({id: `e${runs}`, at: '0000000003e8-0000-n', critique: 'to begin with'});
      const all = play(told, taken);
      const inLog = all
        .filter(({position}) => position !== null)
        .toSorted((a, b) => (a.position ?? 0) - (b.position ?? 0));
      const expected = oracle(inLog);
      if (expected.length > 0) disputed += 1;

      // In the log of the hub positions are those of the run: the tenant is new.
      const items: LogItem[] = inLog.map(({change}) => ({kind: 'change', change}));
      store.append(`t${runs}`, [{kind: 'episode', episode: told}, ...items]);
      const atHub = store.get(`t${runs}`, told.id)?.state;
      expect(atHub?.otherCritiques ?? []).toEqual(expected);

      let fold = EpisodeFold.of(told);
      // Some were here before they had a position.
      for (const {change} of inLog.slice(0, 2)) fold.apply(change, null);
      for (const {change, position} of shuffled([...inLog, ...inLog], random)) {
        fold.apply(change, position);
        const read = EpisodeFold.parse(JSON.parse(JSON.stringify(fold.toJSON())));
        if (read.ok) fold = read.value;
      }
      expect(fold.state()).toEqual(atHub ?? fold.state());
    }),
    {numRuns: 150},
  );
  store.flush();
  expect(store.verify().findings).toEqual([]);
  expect(disputed).toBeGreaterThan(20);
});

test('critiques without a clock are ordered by their stamps, as before', () => {
  const fold = EpisodeFold.of(episode({id: 'e', at: '000000000001-0000-n'}));
  const say = (id: string, ms: number, clock?: WrittenClock) =>
    fold.apply(
      {id, episode: 'e', by: id, at: `00000000000${ms}-0000-n`, kind: 'critique', text: id, ...(clock && {clock})},
      ms,
    );
  say('a', 2);
  say('b', 3, [LOG, 'b', 1, 0]);
  expect(fold.state()).toMatchObject({critique: 'b'});
  expect(fold.state().otherCritiques).toBeUndefined();
  say('c', 4, [LOG, 'c', 1, 0]);
  expect(fold.state()).toMatchObject({critique: 'c', otherCritiques: ['b']});
  say('d', 5);
  expect(fold.state()).toMatchObject({critique: 'd'});
  expect(fold.state().otherCritiques).toBeUndefined();
});

test('neither clocks nor what is kept of them grow with the agents there have been: 10,000 of them', () => {
  const told = episode({id: 'e', at: '000000000001-0000-n'});
  const cache = openCache({tenantId: 't1', wallMs: () => 1e12});
  cache.follow(LOG);
  cache.applyPage([{kind: 'episode', episode: told, position: 1}]);
  const fold = EpisodeFold.of(told);
  let [largest, page]: [number, Parameters<typeof cache.applyPage>[0][number][]] = [0, []];
  for (let agent = 1; agent <= 10_000; agent += 1) {
    // Each lives once: pulls what there is, says one thing, and is gone.
    const clock: WrittenClock = [LOG, `agent-${agent}`.padEnd(32, 'x'), 1, agent];
    const at = `${agent.toString(16).padStart(12, '0')}-0000-n`;
    const change = {
      id: `c${agent}`,
      episode: 'e',
      by: `agent-${agent}`,
      at,
      clock,
      kind: 'critique',
      text: 'x',
    } as const;
    largest = Math.max(largest, JSON.stringify(clock).length);
    page.push({kind: 'change', change, position: agent + 1});
    fold.apply(change, agent + 1);
    if (page.length === 1000) {
      cache.applyPage(page);
      page = [];
    }
  }
  expect(largest).toBeLessThan(80);
  const own = cache.clock();
  expect(own).toMatchObject([LOG, expect.any(String), 1, 10_001]);
  expect(JSON.stringify(own).length).toBeLessThan(80);
  expect(JSON.stringify(fold.toJSON()).length).toBeLessThan(1500);
  // They all knew of each other.
  expect(fold.state().otherCritiques).toBeUndefined();
  expect(cache.get('e')?.state).toEqual(fold.state());
  cache.close();
});

test('without a log a cache says only which of its writes it is', () => {
  const cache = openCache({tenantId: 't1'});
  const [log, node, counter, base] = cache.clock();
  expect([log, counter, base]).toEqual(['none', 1, 0]);
  expect(cache.clock()).toEqual(['none', node, 2, 0]);
  cache.follow(LOG);
  const user = cache.join();
  cache.add(user, {kind: 'episode', episode: episode({id: 'e'})});
  expect(cache.get('e')?.episode.clock).toEqual([LOG, node, 3, 0]);
  // What is signed is not changed.
  cache.add(user, {kind: 'episode', episode: episode({id: 's', signature: 'x'})});
  expect(cache.get('s')?.episode.clock).toBeUndefined();
  cache.close();
});
