import fc from 'fast-check';
import {expect, test} from 'vitest';
import type {EpisodeChange, EpisodeState} from '../../../src/model/episode.ts';
import {EpisodeFold} from '../../../src/hub/replica/episode-fold.ts';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import {MAX_MENTIONS, Tags} from '../../../src/hub/replica/tags.ts';
import {MAX_OPEN_USES} from '../../../src/hub/replica/use-count.ts';
import {hostile, shuffled, text} from './lawful.ts';

const EPISODE = {id: 'e1', agentId: 'maker', at: stampAt(2), tags: ['first', 'second'], critique: 'to begin with'};

function stampAt(ms: number): string {
  return formatStamp({ms, counter: 0, node: 'n'});
}

const tag = fc.constantFrom('first', 'second', 'third', '__proto__');
const tags = fc.uniqueArray(tag, {maxLength: 3});
const what = fc.oneof(
  fc.record({kind: fc.constant('vote' as const), value: fc.constantFrom(1 as const, -1 as const)}),
  fc.record({kind: fc.constant('use' as const), count: fc.integer({min: 1, max: 5})}),
  fc.record({kind: fc.constant('tag' as const), add: tags, remove: tags}),
  fc.record({kind: fc.constant('critique' as const), text: fc.constantFrom('good', 'bad', '')}),
  fc.record({kind: fc.constant('confirm' as const), success: fc.boolean()}),
  fc.record({kind: fc.constant('standing' as const), standing: fc.constantFrom('active', 'quarantined', 'forgotten')}),
);
const by = fc.constantFrom('maker', 'ann', 'bob', '__proto__');
/** Unique ids, stamps of which many are equal and some before the episode. */
const changes: fc.Arbitrary<EpisodeChange[]> = fc
  .array(fc.record({what, by, ms: fc.nat({max: 6})}), {maxLength: 30, size: 'max'})
  .map(items =>
    items.map(
      ({what: change, by: who, ms}, index): EpisodeChange => ({
        id: `c${index}`,
        episode: EPISODE.id,
        by: who,
        at: stampAt(ms),
        ...change,
      }),
    ),
  );

/** What the changes amount to, worked out from all of them at once. */
function oracle(all: readonly EpisodeChange[]): EpisodeState {
  const sorted = all.toSorted((a, b) => (a.at === b.at ? (a.id < b.id ? -1 : 1) : a.at < b.at ? -1 : 1));
  const votes = new Map<string, number>();
  const confirms = new Map<string, boolean>();
  const since = sorted.filter(({at}) => at >= EPISODE.at);
  for (const change of sorted) {
    if (change.kind === 'vote') votes.set(change.by, change.value);
    if (change.kind === 'confirm' && change.by !== EPISODE.agentId) confirms.set(change.by, change.success);
  }
  const critiques = since.flatMap(change => (change.kind === 'critique' ? [change.text] : []));
  const standings = since.flatMap(change => (change.kind === 'standing' ? [change.standing] : []));
  return {
    up: [...votes.values()].filter(value => value === 1).length,
    down: [...votes.values()].filter(value => value === -1).length,
    uses: all.reduce((sum, change) => sum + (change.kind === 'use' ? change.count : 0), 0),
    tags: tagsOf(sorted),
    critique: critiques.at(-1) ?? EPISODE.critique,
    confirmed: [...confirms.values()].filter(Boolean).length,
    refuted: [...confirms.values()].filter(success => !success).length,
    standing: standings.at(-1) ?? 'active',
  };
}

/** They have no clocks: what is earlier counts as seen. What it came with is gone once anybody has removed it. */
function tagsOf(sorted: readonly EpisodeChange[]): readonly string[] {
  const changed = sorted.flatMap(change => (change.kind === 'tag' ? [change] : []));
  const names = new Set([...EPISODE.tags, ...changed.flatMap(({add}) => add)]);
  const isOn = (name: string): boolean => {
    const added = changed.findLastIndex(({add}) => add.includes(name));
    const removed = changed.findLastIndex(({remove}) => remove.includes(name));
    return added === -1 ? removed === -1 : added >= removed;
  };
  return [...names].filter(isOn).toSorted();
}

function folded(all: readonly EpisodeChange[]): EpisodeFold {
  const fold = EpisodeFold.of(EPISODE);
  for (const change of all) expect(fold.apply(change, null)).toBe('taken');
  return fold;
}

function reread(fold: EpisodeFold): EpisodeFold {
  const read = EpisodeFold.parse(JSON.parse(text(fold)));
  if (!read.ok) throw new Error(read.failure.detail);
  return read.value;
}

function merged(a: EpisodeFold, b: EpisodeFold): EpisodeFold {
  const both = reread(a);
  expect(both.mergeFrom(b)).toBe('taken');
  return both;
}

test('changes amount to the same in any order, however often they come, with restarts between', () => {
  fc.assert(
    fc.property(changes, fc.infiniteStream(fc.nat()), (all, random) => {
      let fold = EpisodeFold.of(EPISODE);
      for (const change of shuffled([...all, ...all], random)) {
        fold.apply(change, null);
        if ((random.next().value as number) % 4 === 0) fold = reread(fold);
      }
      expect(fold.state()).toEqual(oracle(all));
      expect(text(fold)).toBe(text(folded(all)));
    }),
    {numRuns: 100},
  );
});

test('folds merge in any order and grouping, and merging twice changes nothing', () => {
  fc.assert(
    fc.property(changes, fc.nat(), fc.nat(), (all, first, second) => {
      const cut = all.length + 1;
      // Parts that overlap, as after a partition in which both sides got some of the same.
      const [a, b, c] = [folded(all.slice(0, first % cut)), folded(all.slice(second % cut)), folded(all)];
      expect(text(merged(a, b))).toBe(text(merged(b, a)));
      expect(text(merged(merged(a, b), c))).toBe(text(merged(a, merged(b, c))));
      expect(text(merged(a, a))).toBe(text(a));
      expect(text(merged(merged(a, b), b))).toBe(text(merged(a, b)));
      expect(merged(merged(a, b), c).state()).toEqual(oracle(all));
    }),
    {numRuns: 100},
  );
});

test('folds that follow the log and settle at different points amount to the same, merged or not', () => {
  const follower = fc.record({read: fc.nat(), settle: fc.nat(), again: fc.nat()});
  fc.assert(
    fc.property(changes, fc.array(follower, {minLength: 2, maxLength: 4}), (all, followers) => {
      const folds = followers.map(({read, settle, again}) => {
        const fold = EpisodeFold.of(EPISODE);
        const upTo = read % (all.length + 1);
        for (let index = 0; index < upTo; index += 1) {
          fold.apply(all[index]!, index + 1);
          if (index % 3 === settle % 3) fold.settle(index + 1);
          fold.apply(all[again % (index + 1)]!, (again % (index + 1)) + 1);
        }
        expect(fold.state()).toEqual(oracle(all.slice(0, upTo)));
        return {fold, upTo};
      });
      const [a, b] = [folds[0]!, folds[1]!];
      expect(merged(a.fold, b.fold).state()).toEqual(merged(b.fold, a.fold).state());
      const together = folds.reduce((fold, next) => merged(fold, next.fold), EpisodeFold.of(EPISODE));
      const furthest = Math.max(...folds.map(({upTo}) => upTo));
      expect(together.state()).toEqual(oracle(all.slice(0, furthest)));
    }),
    {numRuns: 100},
  );
});

test('a use of its own that comes back from the log counts once, before and after it is settled', () => {
  const fold = EpisodeFold.of(EPISODE);
  const use: EpisodeChange = {id: 'u', episode: EPISODE.id, by: 'ann', at: stampAt(3), kind: 'use', count: 2};
  fold.apply(use, null);
  expect(fold.state().uses).toBe(2);
  fold.apply(use, 7);
  expect(fold.state().uses).toBe(2);
  fold.settle(7);
  fold.apply(use, 7);
  expect(reread(fold).state().uses).toBe(2);
  const ahead: EpisodeChange = {...use, id: 'ahead'};
  fold.apply(ahead, 9);
  fold.settle(8);
  fold.apply(ahead, 9);
  expect(fold.state().uses).toBe(4);
});

test('a fold that settles as it goes stays small however often its episode is used', () => {
  const fold = EpisodeFold.of(EPISODE);
  const size = text(fold).length;
  for (let n = 1; n <= 5000; n += 1) {
    fold.apply({id: `u${n}`, episode: EPISODE.id, by: `agent-${n}`, at: stampAt(n), kind: 'use', count: 1}, n);
    fold.settle(n);
  }
  expect(fold.state().uses).toBe(5000);
  expect(text(fold).length).toBeLessThan(size + 20);
});

test('unsettled uses and tags are bounded, and say so', () => {
  const fold = EpisodeFold.of(EPISODE);
  const use = (n: number): EpisodeChange => ({
    id: `u${n}`,
    episode: EPISODE.id,
    by: 'ann',
    at: stampAt(n),
    kind: 'use',
    count: 1,
  });
  for (let n = 1; n <= MAX_OPEN_USES; n += 1) expect(fold.apply(use(n), n)).toBe('taken');
  expect(fold.apply(use(MAX_OPEN_USES + 1), MAX_OPEN_USES + 1)).toBe('full');
  expect(fold.apply(use(1), 1)).toBe('taken');
  fold.settle(MAX_OPEN_USES);
  expect(fold.apply(use(MAX_OPEN_USES + 1), MAX_OPEN_USES + 1)).toBe('taken');
  expect(fold.state().uses).toBe(MAX_OPEN_USES + 1);
  for (let n = 0; n < MAX_MENTIONS + 10; n += 1) {
    const change = {id: `t${n}`, episode: EPISODE.id, by: 'ann', at: stampAt(10 + n), kind: 'tag'} as const;
    fold.apply({...change, add: [`tag-${n}`], remove: []}, 2000 + n);
  }
  expect(fold.state().tags).toHaveLength(MAX_MENTIONS);
  expect(reread(fold).state()).toEqual(fold.state());
});

test('a change of another episode is a bug and thrown', () => {
  const fold = EpisodeFold.of(EPISODE);
  const other: EpisodeChange = {id: 'x', episode: 'e2', by: 'ann', at: stampAt(3), kind: 'use', count: 1};
  expect(() => fold.apply(other, null)).toThrow('e2');
  expect(() => fold.mergeFrom(EpisodeFold.of({...EPISODE, id: 'e2'}))).toThrow('e2');
});

test('hostile input is refused with a reason, or is what it says, and pollutes nothing', () => {
  const fold = EpisodeFold.of(EPISODE);
  const tag = {id: 'c', episode: EPISODE.id, by: 'ann', at: stampAt(3), kind: 'tag', add: ['x'], remove: []} as const;
  fold.apply({...tag, clock: ['log', 'n', 1, 0]}, 2);
  // JSON of it, one part of which is something else.
  const parts = JSON.parse(text(fold)) as unknown[];
  const spoilt = fc.tuple(fc.nat({max: parts.length - 1}), hostile).map(([at, by]) => parts.with(at, by));
  const mention = (parts[6] as unknown[][])[0]!;
  const mentions = fc.tuple(fc.nat({max: mention.length - 1}), hostile).map(([at, by]) => [mention.with(at, by)]);
  const isTold = (answer: ReturnType<typeof EpisodeFold.parse> | ReturnType<typeof Tags.parse>) => {
    if (!answer.ok) expect(answer.failure.detail).not.toBe('');
    expect(Object.hasOwn(Object.prototype, 'polluted')).toBe(false);
  };
  fc.assert(
    fc.property(hostile, spoilt, mentions, (anything, broken, tags) => {
      for (const value of [anything, broken, parts.with(6, tags)]) isTold(EpisodeFold.parse(value));
      for (const value of [anything, tags]) isTold(Tags.parse(value));
    }),
    {numRuns: 300},
  );
});
