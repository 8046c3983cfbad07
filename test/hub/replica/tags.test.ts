import fc from 'fast-check';
import {expect, test} from 'vitest';
import {openCache} from '../../../src/hub/client/store/open-cache.ts';
import {EpisodeFold} from '../../../src/hub/replica/episode-fold.ts';
import {HybridClock} from '../../../src/hub/replica/hybrid-clock.ts';
import {MAX_MENTIONS_OF_TAG, type TagMention, Tags} from '../../../src/hub/replica/tags.ts';
import type {Episode, EpisodeChange, LogEntry, LogItem, WrittenClock} from '../../../src/model/episode.ts';
import {episode} from '../server/store/sample-episodes.ts';
import {StoreRig} from '../server/store/store-rig.ts';
import {shuffled} from './lawful.ts';

const LOG = 'the-log';
const REPLICAS = 4;
const NAMES = ['own', 'x', 'y', '__proto__'];

type TagChange = Extract<EpisodeChange, {kind: 'tag'}>;

/** One change with all that its writer had, spelled out. */
interface Told {
  readonly change: TagChange;
  readonly seen: ReadonlySet<Told>;
  position: number | null;
}

type Step =
  | {
      readonly kind: 'write';
      readonly who: number;
      readonly agent: number;
      readonly add: string[];
      readonly remove: string[];
    }
  | {readonly kind: 'push' | 'pull' | 'restart'; readonly who: number};

const who = fc.nat({max: REPLICAS - 1});
const some = fc.uniqueArray(fc.constantFrom(...NAMES), {maxLength: 2});
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({
        kind: fc.constant('write' as const),
        who,
        agent: fc.nat({max: 1}),
        add: some,
        remove: some,
      }),
    },
    {weight: 5, arbitrary: fc.record({kind: fc.constantFrom('push' as const, 'pull' as const), who})},
    {weight: 1, arbitrary: fc.record({kind: fc.constant('restart' as const), who})},
  ),
  {maxLength: 36, size: 'max'},
);

/** What one process has: two agents share it. */
class Replica {
  readonly #name: string;
  readonly #wallMs: () => number;
  clock: HybridClock;
  readonly seen = new Set<Told>();
  readonly outbox: Told[] = [];
  /** 0: it has not met the hub yet. */
  base = 0;
  #lives = 0;
  #written = 0;

  constructor(name: string, wallMs: () => number) {
    this.#name = name;
    this.#wallMs = wallMs;
    this.clock = this.#newClock();
  }

  get #node(): string {
    return `${this.#name}-${this.#lives}`;
  }

  /** What was stored is there again, and so is what is to be pushed; the writer is another. */
  restart(): void {
    this.#lives += 1;
    this.#written = 0;
    this.clock = this.#newClock();
    for (const {change} of this.seen) this.clock.observe(change.at);
  }

  write(told: Episode, id: string, {agent, add, remove}: Extract<Step, {kind: 'write'}>): Told {
    this.#written += 1;
    const log = this.base === 0 ? 'none' : LOG;
    const clock: WrittenClock = [log, this.#node, this.#written, this.base];
    const [by, at] = [`${this.#name}-agent-${agent}`, this.clock.now()];
    const change: TagChange = {id, episode: told.id, by, at, clock, kind: 'tag', add, remove};
    // What another agent wrote here before the restart, and the hub has not told back yet, no clock can name: it counts as unseen.
    const isNamed = ({change: {by: other, clock: of}, position}: Told) =>
      other === by || of?.[1] === this.#node || (position !== null && position <= this.base);
    const one: Told = {change, seen: new Set([...this.seen].filter(isNamed)), position: null};
    this.seen.add(one);
    this.outbox.push(one);
    return one;
  }

  #newClock(): HybridClock {
    return new HybridClock({node: this.#node, wallMs: this.#wallMs});
  }
}

/** Replicas that tag one episode, which is at position 1 of the log; each pushes its own in order, and pulls all there is, when it does. */
function play(told: Episode, taken: readonly Step[]): Told[] {
  let wallMs = 1000;
  const log: (Told | null)[] = [null];
  let written = 0;
  const counts = new Map<string, number>();
  const replicas = Array.from({length: REPLICAS}, (_, index) => new Replica(`n${index}`, () => wallMs));
  for (const step of taken) {
    const replica = replicas[step.who];
    if (replica === undefined) continue;
    wallMs += 1;
    if (step.kind === 'restart') replica.restart();
    else if (step.kind === 'write') {
      for (const tag of [...step.add, ...step.remove]) counts.set(tag, (counts.get(tag) ?? 0) + 1);
      if ([...counts.values()].some(count => count >= MAX_MENTIONS_OF_TAG)) break;
      written += 1;
      replica.write(told, `c${written}`, step);
    } else if (step.kind === 'push') {
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
  return log.flatMap(one => one ?? []);
}

/** From the whole histories: a tag is on while somebody added it of whom nobody who removed it knew. */
function oracle(told: Episode, all: readonly Told[]): readonly string[] {
  const removals = (tag: string) => all.filter(({change: {remove}}) => remove.includes(tag));
  const isOn = (tag: string) =>
    (told.tags.includes(tag) && removals(tag).length === 0) ||
    all.some(one => one.change.add.includes(tag) && !removals(tag).some(({seen}) => seen.has(one)));
  return NAMES.filter(isOn).toSorted();
}

const sample = (id: string) => episode({id, at: '000000000001-0000-n', tags: ['own']});

function reread(fold: EpisodeFold): EpisodeFold {
  const read = EpisodeFold.parse(JSON.parse(JSON.stringify(fold.toJSON())));
  if (!read.ok) throw new Error(read.failure.detail);
  return read.value;
}

test('tags are what an observed-remove set says of whole histories: at the hub, in caches, and folded in any order', () => {
  using rig = new StoreRig();
  let store = rig.open();
  const cache = openCache({tenantId: 't1', wallMs: () => 1e12});
  const met = {runs: 0, kept: 0};
  fc.assert(
    fc.property(steps, fc.infiniteStream(fc.nat()), (taken, random) => {
      met.runs += 1;
      const told = sample(`e${met.runs}`);
      const all = play(told, taken);
      const expected = oracle(told, all);
      const sorted = all.toSorted((a, b) => (a.change.at < b.change.at ? -1 : 1));
      const last = (tag: string) => sorted.findLast(({change: {add, remove}}) => [...add, ...remove].includes(tag));
      if (expected.some(tag => last(tag)?.change.add.includes(tag) === false)) met.kept += 1;

      // The hub: a restart in the middle, and all of it pushed once more.
      const tenant = `t${met.runs}`;
      const entries: LogEntry[] = [{kind: 'episode', episode: told, position: 1}];
      for (const {change, position} of all) entries.push({kind: 'change', change, position: position ?? 0});
      const middle = (random.next().value as number) % entries.length;
      store.append(tenant, entries.slice(0, middle).map(itemOf));
      if (middle % 4 === 1) {
        store.close();
        store = rig.open();
      }
      store.append(tenant, entries.map(itemOf));
      expect(store.get(tenant, told.id)?.state.tags).toEqual(expected);

      // A replica that was away, and got some of it before it was in the log.
      let fold = EpisodeFold.of(told);
      for (const {change} of all.slice(0, 3)) fold.apply(change, null);
      for (const {change, position} of shuffled([...all, ...all], random)) {
        fold.apply(change, position);
        fold = reread(fold);
      }
      expect(fold.state().tags).toEqual(expected);

      // Two sides of a partition, in part with the same.
      const [a, b] = [EpisodeFold.of(told), EpisodeFold.of(told)];
      for (const one of all) {
        const side = (random.next().value as number) % 3;
        if (side !== 0) a.apply(one.change, one.position);
        if (side !== 1) b.apply(one.change, one.position);
      }
      const [ab, ba] = [reread(a), reread(b)];
      ab.mergeFrom(b);
      ba.mergeFrom(a);
      ba.mergeFrom(a);
      expect(JSON.stringify(ab)).toBe(JSON.stringify(ba));
      expect(ab.state().tags).toEqual(expected);

      // A client's cache that follows the log.
      cache.follow(tenant);
      cache.applyPage(entries);
      expect(cache.get(told.id)?.state.tags).toEqual(expected);
    }),
    {numRuns: 150},
  );
  cache.close();
  store.flush();
  expect(store.verify().findings).toEqual([]);
  // Where the last word alone would have said otherwise.
  expect(met.kept).toBeGreaterThan(10);
});

function itemOf(entry: LogEntry): LogItem {
  return entry.kind === 'episode' ? {kind: 'episode', episode: entry.episode} : {kind: 'change', change: entry.change};
}

const said = (id: string, ms: number, fields: Partial<TagChange>): TagChange => ({
  id,
  episode: 'e',
  by: id,
  at: `${ms.toString(16).padStart(12, '0')}-0000-n`,
  kind: 'tag',
  add: [],
  remove: [],
  ...fields,
});

test('an addition wins over a removal that is later by the clock and had not seen it; one that had seen it takes it away', () => {
  using rig = new StoreRig();
  const store = rig.open();
  const told = sample('e');
  const bob = said('bob', 5, {add: ['x'], clock: [LOG, 'bob', 1, 1]});
  const ann = said('ann', 6, {remove: ['x'], clock: [LOG, 'ann', 1, 1]});
  const later = said('eve', 7, {remove: ['x'], clock: [LOG, 'eve', 1, 3]});
  const fold = EpisodeFold.of(told);
  for (const [index, change] of [bob, ann].entries()) fold.apply(change, index + 2);
  store.append('t', [
    {kind: 'episode', episode: told},
    ...[bob, ann].map(change => ({kind: 'change', change}) as const),
  ]);
  expect([fold.state().tags, store.get('t', 'e')?.state.tags]).toEqual([
    ['own', 'x'],
    ['own', 'x'],
  ]);
  fold.apply(later, 4);
  store.append('t', [{kind: 'change', change: later}]);
  expect([fold.state().tags, store.get('t', 'e')?.state.tags]).toEqual([['own'], ['own']]);
});

test('where one of the two has no clock, the later stands, as before; and what it came with goes with any removal', () => {
  const states = (changes: readonly TagChange[]) => {
    const fold = EpisodeFold.of(sample('e'));
    for (const [index, change] of changes.entries()) fold.apply(change, index + 2);
    return fold.state().tags;
  };
  const add = said('a', 5, {add: ['x']});
  expect(states([add, said('b', 6, {remove: ['x', 'own']})])).toEqual([]);
  expect(states([add, said('b', 4, {remove: ['x']})])).toEqual(['own', 'x']);
  expect(states([add, said('b', 6, {remove: ['x'], clock: [LOG, 'b', 1, 1]})])).toEqual(['own']);
  expect(states([said('a', 5, {add: ['x'], remove: ['x']})])).toEqual(['own', 'x']);
});

test('what was tagged before the hub was met, or at a hub that is gone, can be taken away by others', () => {
  for (const log of ['none', 'an-older-log']) {
    const fold = EpisodeFold.of(sample('e'));
    fold.apply(said('bob', 5, {add: ['x'], clock: [log, 'bob', 1, 0]}), 2);
    fold.apply(said('eve', 6, {remove: ['x'], clock: [LOG, 'eve', 1, 1]}), 3);
    expect(fold.state().tags).toEqual(['own', 'x']);
    fold.apply(said('ann', 7, {remove: ['x'], clock: [LOG, 'ann', 1, 2]}), 4);
    expect(fold.state().tags).toEqual(['own']);
  }
});

const mention = fc.record({
  tag: fc.constantFrom('a', 'b', 'c', '__proto__'),
  what: fc.constantFrom('add' as const, 'remove' as const),
  ms: fc.nat({max: 5}),
  id: fc.nat({max: 40}),
});

test('what is kept beyond the limits is the same in any order and grouping, and is the latest', () => {
  const limits = {ofTag: 3, inAll: 7};
  const key = ({tag, what, tie}: TagMention) => `${tie} ${tag} ${what}`;
  fc.assert(
    fc.property(fc.array(mention, {maxLength: 60, size: 'max'}), fc.infiniteStream(fc.nat()), (drawn, random) => {
      const all = new Map<string, TagMention>();
      for (const {tag, what, ms, id} of drawn) {
        const at = `${ms}`;
        const one = {tag, what, at, tie: `c${id}-${ms}`, by: `b${id}`, clock: null, position: null};
        all.set(key(one), one);
      }
      const order = (a: TagMention, b: TagMention) =>
        [b.at, b.tie, b.tag].join(' ') < [a.at, a.tie, a.tag].join(' ') ? -1 : 1;
      const latest = [...all.values()].toSorted((a, b) =>
        [a.at, a.tie, a.tag].join() === [b.at, b.tie, b.tag].join() ? (a.what < b.what ? -1 : 1) : order(a, b),
      );
      const ofTag = latest.filter(
        (one, index) => latest.slice(0, index).filter(({tag}) => tag === one.tag).length < limits.ofTag,
      );
      const expected = ofTag.slice(0, limits.inAll).map(key).toSorted();
      const kept = (tags: Tags) => {
        // The cast names what `toJSON` writes.
        const rows = tags.toJSON() as [string, number, string, string][];
        return rows.map(([tag, adds, , tie]) => `${tie} ${tag} ${adds === 1 ? 'add' : 'remove'}`).toSorted();
      };
      const [one, a, b] = [new Tags(limits), new Tags(limits), new Tags(limits)];
      for (const each of shuffled([...all.values(), ...all.values()], random)) {
        one.put(each);
        ((random.next().value as number) % 2 === 0 ? a : b).put(each);
      }
      expect(kept(one)).toEqual(expected);
      b.mergeFrom(a);
      a.mergeFrom(b);
      expect([kept(a), kept(b)]).toEqual([expected, expected]);
      expect(JSON.stringify(a)).toBe(JSON.stringify(one));
    }),
    {numRuns: 200},
  );
});
