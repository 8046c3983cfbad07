import fc from 'fast-check';
import {expect, test} from 'vitest';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import {Latest} from '../../../src/hub/replica/latest.ts';
import {text} from './lawful.ts';

/** Few milliseconds and one node, so that equal stamps are common. */
const stamp = fc.nat({max: 6}).map(ms => formatStamp({ms, counter: 0, node: 'n'}));

test('the kept keys of a full map are the same in any order of arrival and of merging', () => {
  const write = fc.record({key: fc.nat({max: 9}).map(String), at: stamp, value: fc.boolean()});
  fc.assert(
    fc.property(fc.array(write, {maxLength: 40}), fc.nat({max: 40}), (writes, cut) => {
      const filled = (some: typeof writes) => {
        const latest = new Latest<boolean>(3);
        for (const {key, at, value} of some) latest.put(key, {at, tie: '', value});
        return latest;
      };
      const merged = filled(writes.slice(cut));
      merged.mergeFrom(filled(writes.slice(0, cut)));
      expect(text(merged)).toBe(text(filled(writes)));
      expect(text(filled(writes.toReversed()))).toBe(text(filled(writes)));
      expect(merged.size).toBeLessThanOrEqual(3);
    }),
  );
});
