import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {JsonValue} from '../../src/base/json.ts';
import type {TaskSpec} from '../../src/model/task.ts';
import {compilePlan} from '../../src/plan/compile-plan.ts';
import {instancesOf} from '../../src/plan/expand.ts';

function task(fields: Record<string, unknown> = {}): TaskSpec {
  const each = {run: 'x', needs: 'list', foreach: '${{ tasks.list.output }}', ...fields};
  const plan = compilePlan({version: 1, tasks: {list: {run: 'x', outputs: 'json'}, each}}, 'test');
  const spec = plan.ok ? plan.value.tasks[1] : undefined;
  if (!spec) throw new Error(JSON.stringify(plan));
  return spec;
}

function keys(output: JsonValue, fields: Record<string, unknown> = {}): readonly string[] {
  const result = instancesOf(task(fields), output);
  if (result.ok) return result.value.map(({key}) => key);
  return [result.failure.reason === 'foreach-invalid' ? result.failure.detail : result.failure.reason];
}

describe('the instances of a foreach', () => {
  it('are named by their values', () => {
    expect(keys(['a', 2, true, null, '', 'é 🚀'])).toEqual(['a', '2', 'true', 'null', '(empty)', 'é 🚀']);
    expect(keys([{b: 1, a: 2}])).toEqual(keys([{a: 2, b: 1}]));
    expect(keys([{a: 1}])[0]).toMatch(/^[0-9a-f]{12}$/);
  });

  it('are told apart when their values are equal or look alike', () => {
    expect(keys(['a', 'a', 'a#2', 'a'])).toEqual(['a', 'a#3', 'a#2', 'a#4']);
    const [one, text] = keys([1, '1']);
    expect([one, text]).toEqual([expect.stringMatching(/^1~/), expect.stringMatching(/^1~/)]);
    expect(one).not.toBe(text);
  });

  it('have short keys without control characters', () => {
    expect(keys(['line\nbreak'])[0]).toMatch(/^line\u{fffd}break~[0-9a-f]{12}$/u);
    expect(keys(['x'.repeat(500)])[0]).toMatch(/^x{120}~[0-9a-f]{12}$/);
  });

  it('are named by `key` where there is one', () => {
    const output = [
      {path: 'a', n: 1},
      {path: 'b', n: 2},
    ];
    expect(keys(output, {key: '${{ item.path }}-${{ item.n }}'})).toEqual(['a-1', 'b-2']);
  });

  it('must differ in their explicit keys', () => {
    const output = [{path: 'a'}, {path: 'b'}, {path: 'a'}];
    expect(keys(output, {key: '${{ item.path }}'})).toEqual([
      'items 1 and 3 have the same key "a"; keys must differ, so add to `key` what tells them apart',
    ]);
    expect(keys([{path: 'a'}, {}], {key: '${{ item.path }}'})).toEqual(['the key of item 2 is empty: an empty object']);
  });

  it('come from a list in the plan, or from a path into the output', () => {
    expect(keys(null, {foreach: ['x', 'y']})).toEqual(['x', 'y']);
    expect(keys([], {foreach: []})).toEqual([]);
    const foreach = "${{ tasks.list.output.a['b c'][0] }}";
    expect(keys({a: {'b c': [['p', 'q']]}}, {foreach})).toEqual(['p', 'q']);
    expect(keys({a: {b: 1}}, {foreach})).toEqual(['the output of `list` at `a` has no `b c`: it is an object with b']);
  });

  it.each<[JsonValue, string]>([
    [{files: []}, 'the output of `list` is not a list: it is an object with files'],
    ['a\nb', 'the output of `list` is not a list: it is "a\\nb"'],
    [null, 'the output of `list` is not a list: it is null'],
    [[JSON.parse(`${'['.repeat(200)}${']'.repeat(200)}`)], 'item 1 is nested deeper than 100 levels'],
  ])('need a list: %j', (output, detail) => {
    expect(keys(output)).toEqual([detail]);
  });

  it('are at most a million', () => {
    expect(keys(new Array<JsonValue>(1_000_001).fill(0))).toEqual([
      '1000001 items are more than the 1000000 that one `foreach` may have',
    ]);
  });

  it('have unique keys that do not depend on the order of the items', () => {
    const item = fc.oneof(
      fc.constantFrom('a', 'a#2', 'a#3', '1', 'null', '', '(empty)', 'a\n', 'true'),
      fc.constantFrom(1, true, null),
      // A key `__proto__` is refused, see the test of parsing.
      fc.jsonValue({maxDepth: 2}).filter(value => !JSON.stringify(value).includes('__proto__')),
    );
    fc.assert(
      fc.property(
        fc.array(item, {maxLength: 12}).chain(items => {
          return fc.tuple(fc.constant(items), fc.shuffledSubarray(items, {minLength: items.length}));
        }),
        ([items, shuffled]) => {
          const before = pairs(items as JsonValue[]);
          expect(new Set(before.map(([key]) => key)).size).toBe(items.length);
          expect(pairs(shuffled as JsonValue[])).toEqual(before);
        },
      ),
    );
  });
});

function pairs(items: readonly JsonValue[]): readonly (readonly [string, string])[] {
  const result = instancesOf(task(), items);
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  const found = result.value.map(({key, item}) => [key, JSON.stringify(item)] as const);
  return found.sort(([a], [b]) => (a < b ? -1 : 1));
}
