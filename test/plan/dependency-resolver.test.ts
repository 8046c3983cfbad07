import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {resolve} from '../../src/plan/dependency-resolver.ts';

describe('resolve', () => {
  it('puts every task after what it needs, in levels', () => {
    expect(resolve({ship: ['test', 'lint'], test: ['build'], lint: [], build: []})).toEqual({
      kind: 'ordered',
      order: ['lint', 'build', 'test', 'ship'],
      levels: [['lint', 'build'], ['test'], ['ship']],
    });
    expect(resolve({})).toEqual({kind: 'ordered', order: [], levels: []});
  });

  it('spells the whole path of every cycle, and only of cycles', () => {
    const resolution = resolve({
      a: ['b', 'x'],
      b: ['c'],
      c: ['a'],
      x: ['y'],
      y: ['x'],
      z: ['z', 'a'],
      free: [],
      after: ['a'],
    });
    expect(resolution).toEqual({
      kind: 'cyclic',
      cycles: [
        ['a', 'b', 'c', 'a'],
        ['x', 'y', 'x'],
        ['z', 'z'],
      ],
    });
  });

  it('takes the short way round', () => {
    expect(resolve({a: ['b'], b: ['c', 'a'], c: ['d'], d: ['a']})).toEqual({kind: 'cyclic', cycles: [['a', 'b', 'a']]});
  });

  it('names what does not exist', () => {
    expect(resolve({a: ['b', 'c'], b: []})).toEqual({kind: 'unknown', unknown: [{task: 'a', need: 'c'}]});
  });

  it('knows no special names', () => {
    const names = ['constructor', 'toString', 'hasOwnProperty', 'valueOf'];
    const ring = Object.fromEntries(names.map((name, index) => [name, [names[(index + 1) % names.length] ?? '']]));
    expect(resolve(ring)).toEqual({kind: 'cyclic', cycles: [[...names, 'constructor']]});
  });

  it('finds a cycle of a hundred thousand tasks', () => {
    const count = 100_000;
    const ring = Object.fromEntries(Array.from({length: count}, (_, i) => [`t${i}`, [`t${(i + 1) % count}`]]));
    const resolution = resolve(ring);
    expect(resolution.kind === 'cyclic' && resolution.cycles.map(cycle => cycle.length)).toEqual([count + 1]);
  });

  it('orders any graph or proves that it cannot', () => {
    const graph = fc
      .integer({min: 1, max: 12})
      .chain(size =>
        fc.array(fc.array(fc.integer({min: 0, max: size - 1}), {maxLength: 2}), {minLength: size, maxLength: size}),
      );
    fc.assert(
      fc.property(graph, lists => {
        const needs = Object.fromEntries(lists.map((list, index) => [`n${index}`, list.map(need => `n${need}`)]));
        const resolution = resolve(needs);
        if (resolution.kind === 'ordered') {
          const place = new Map(resolution.order.map((id, index) => [id, index]));
          const level = new Map(resolution.levels.flatMap((ids, index) => ids.map(id => [id, index] as const)));
          expect([...place.keys()].sort()).toEqual(Object.keys(needs).sort());
          expect(level.size).toBe(place.size);
          for (const [id, list] of Object.entries(needs)) {
            for (const need of list) expect(place.get(need)).toBeLessThan(place.get(id)!);
            expect(level.get(id)).toBe(Math.max(-1, ...list.map(need => level.get(need)!)) + 1);
          }
          return;
        }
        expect(resolution.kind).toBe('cyclic');
        const cycles = resolution.kind === 'cyclic' ? resolution.cycles : [];
        expect(cycles.length).toBeGreaterThan(0);
        for (const cycle of cycles) {
          expect(cycle[0]).toBe(cycle.at(-1));
          expect(new Set(cycle).size).toBe(cycle.length - 1);
          for (const [index, id] of cycle.slice(0, -1).entries()) expect(needs[id]).toContain(cycle[index + 1]);
        }
      }),
      {numRuns: 500},
    );
  });
});
