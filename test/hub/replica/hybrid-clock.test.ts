import fc from 'fast-check';
import {expect, test} from 'vitest';
import {checkStamp, formatStamp, HybridClock, parseStamp} from '../../../src/hub/replica/hybrid-clock.ts';

const NODES = ['a', 'b', 'c'] as const;

test('a stamp made after another was made or seen is greater, whatever the wall clocks do', () => {
  const step = fc.record({
    node: fc.nat({max: 2}),
    to: fc.nat({max: 2}),
    wallMs: fc.oneof(fc.integer({min: -1, max: 2}), fc.integer({min: -5000, max: 2 ** 40})),
    restart: fc.boolean(),
  });
  fc.assert(
    fc.property(fc.array(step, {maxLength: 40, size: 'max'}), steps => {
      const walls = [0, 0, 0];
      const options = (node: number, last?: string) => ({
        node: NODES[node]!,
        wallMs: () => walls[node]!,
        maxDriftMs: Number.MAX_SAFE_INTEGER,
        last,
      });
      const clocks = NODES.map((_, node) => new HybridClock(options(node)));
      const all: string[] = [];
      const seen = NODES.map((): string[] => []);
      for (const {node, to, wallMs, restart} of steps) {
        walls[node] = wallMs;
        const stamp = clocks[node]!.now();
        for (const earlier of seen[node]!) expect(stamp > earlier).toBe(true);
        expect(all).not.toContain(stamp);
        all.push(stamp);
        seen[node]!.push(stamp);
        expect(clocks[to]!.observe(stamp).ok).toBe(true);
        seen[to]!.push(stamp);
        if (restart) clocks[to] = new HybridClock(options(to, seen[to]!.toSorted().at(-1)));
      }
    }),
  );
});

test('stamps order as text as they do as numbers, and read back as they were', () => {
  const stamp = fc.record({
    ms: fc.nat({max: 2 ** 48 - 1}),
    counter: fc.nat({max: 0xffff}),
    node: fc.stringMatching(/^[\w.:@-]{1,64}$/),
  });
  fc.assert(
    fc.property(stamp, stamp, (a, b) => {
      expect(parseStamp(formatStamp(a))).toEqual(a);
      const byParts = a.ms - b.ms || a.counter - b.counter || (a.node < b.node ? -1 : a.node > b.node ? 1 : 0);
      const [x, y] = [formatStamp(a), formatStamp(b)];
      expect(x < y ? -1 : x > y ? 1 : 0).toBe(Math.sign(byParts));
      expect(Buffer.compare(Buffer.from(x), Buffer.from(y))).toBe(Math.sign(byParts));
    }),
  );
});

test('a clock follows its wall clock, and counts within a millisecond', () => {
  let wallMs = 1000;
  const clock = new HybridClock({node: 'n', wallMs: () => wallMs});
  expect(clock.now()).toBe('0000000003e8-0000-n');
  expect(clock.now()).toBe('0000000003e8-0001-n');
  wallMs = 1001;
  expect(clock.now()).toBe('0000000003e9-0000-n');
});

test('a wall clock that goes back is waited for, and how far is told', () => {
  let wallMs = 50_000;
  const clock = new HybridClock({node: 'n', wallMs: () => wallMs});
  const before = clock.now();
  wallMs = 20_000;
  const after = clock.now();
  expect(after > before).toBe(true);
  expect(parseStamp(after)?.ms).toBe(50_000);
  expect(clock.aheadMs()).toBe(30_000);
});

test('a full counter borrows the next millisecond', () => {
  const clock = new HybridClock({node: 'n', wallMs: () => 7, last: formatStamp({ms: 7, counter: 0xffff, node: 'm'})});
  expect(parseStamp(clock.now())).toEqual({ms: 8, counter: 0, node: 'n'});
});

test('a stamp too far ahead is refused with the figures and does not move the clock', () => {
  const clock = new HybridClock({node: 'n', wallMs: () => 1000, maxDriftMs: 500});
  const answer = clock.observe(formatStamp({ms: 1501, counter: 0, node: 'far'}));
  expect(answer).toMatchObject({ok: false, failure: {kind: 'ahead', aheadMs: 501, limitMs: 500}});
  expect(answer).toMatchObject({failure: {detail: expect.stringContaining('Set the clock of far')}});
  expect(clock.aheadMs()).toBe(0);
  expect(clock.observe(formatStamp({ms: 1500, counter: 3, node: 'near'}))).toMatchObject({ok: true});
  expect(clock.now()).toBe(formatStamp({ms: 1500, counter: 4, node: 'n'}));
});

test('what is no stamp is refused, and so are clocks that cannot be', () => {
  const texts = ['', 'zz', '0190A1B2C3D4-0000-n', '0190a1b2c3d4-0000-', `0190a1b2c3d4-0000-${'n'.repeat(65)}`, 'ü'];
  for (const text of texts) {
    expect(checkStamp(text, {wallMs: 0})).toMatchObject({ok: false, failure: {kind: 'malformed-stamp'}});
  }
  expect(() => new HybridClock({node: 'no spaces', wallMs: () => 0})).toThrow('"no spaces"');
  expect(() => new HybridClock({node: 'n', wallMs: () => 0, last: 'x'})).toThrow('"x"');
  expect(() => new HybridClock({node: 'n', wallMs: () => 0, maxDriftMs: Number.NaN})).toThrow('maxDriftMs');
});
