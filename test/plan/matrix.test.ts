import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {JsonValue} from '../../src/base/json.ts';
import {instancesOf} from '../../src/plan/expand.ts';
import {parsePlan} from '../../src/plan/parse-plan.ts';

interface Matrix {
  readonly [axis: string]: readonly JsonValue[];
}

function parse(matrix: object, run = 'x') {
  const bytes = Buffer.from(JSON.stringify({version: 1, tasks: {t: {run, matrix}}}));
  return parsePlan({file: 'f', bytes});
}

/** The instances of a task with the matrix; null when it is refused. */
function instances(matrix: object): readonly {readonly key: string; readonly item: JsonValue}[] | null {
  const result = parse(matrix);
  const spec = result.ok ? result.value.plan.tasks[0] : undefined;
  const made = spec && instancesOf(spec, null);
  return made?.ok === true ? made.value : null;
}

const keys = (matrix: object) => instances(matrix)?.map(({key}) => key);

describe('the instances of a matrix', () => {
  it('are all combinations, the last axis turning fastest', () => {
    expect(keys({node: [18, 20], os: ['linux', 'mac']})).toEqual([
      'node=18,os=linux',
      'node=18,os=mac',
      'node=20,os=linux',
      'node=20,os=mac',
    ]);
    expect(instances({node: [18], os: [{name: 'mac', arm: true}]})).toEqual([
      {key: 'node=18,os={"arm":true,"name":"mac"}', item: {node: 18, os: {name: 'mac', arm: true}}},
    ]);
  });

  it('are without what is excluded, also by a part of a combination or in other quotes', () => {
    const axes = {node: [18, 20], os: ['linux', 'mac']};
    expect(keys({...axes, exclude: [{node: '18', os: 'mac'}]})).toEqual([
      'node=18,os=linux',
      'node=20,os=linux',
      'node=20,os=mac',
    ]);
    expect(keys({...axes, exclude: [{os: 'mac'}, {os: 'mac', node: 18}]})).toEqual([
      'node=18,os=linux',
      'node=20,os=linux',
    ]);
  });

  it('get what is included, where it changes no value of an axis, and otherwise one of its own', () => {
    expect(
      instances({
        fruit: ['apple', 'pear'],
        animal: ['cat', 'dog'],
        include: [
          {color: 'green'},
          {color: 'pink', animal: 'cat'},
          {fruit: 'apple', shape: 'circle'},
          {fruit: 'banana'},
          {fruit: 'banana', animal: 'cat'},
        ],
      })?.map(({item}) => item),
    ).toEqual([
      {fruit: 'apple', animal: 'cat', color: 'pink', shape: 'circle'},
      {fruit: 'apple', animal: 'dog', color: 'green', shape: 'circle'},
      {fruit: 'pear', animal: 'cat', color: 'pink'},
      {fruit: 'pear', animal: 'dog', color: 'green'},
      {fruit: 'banana'},
      {fruit: 'banana', animal: 'cat'},
    ]);
    expect(keys({include: [{a: 1}, {a: 2}]})).toEqual(['a=1', 'a=2']);
  });

  it('are told apart even when they are equal', () => {
    expect(keys({include: [{a: 1}, {a: 1}]})).toEqual(['a=1', 'a=1#2']);
  });

  it('are as many as the product without the excluded, each once, in an order that only the axes decide', () => {
    const value = fc.oneof(fc.integer({min: 0, max: 5}), fc.constantFrom('a', 'b,c=d', '', 'é', true, null));
    const axis = fc.uniqueArray(value, {minLength: 1, maxLength: 4, selector: each => String(each)});
    const axes = fc.dictionary(fc.constantFrom('x', 'y', 'z-1', 'node', 'os'), axis, {minKeys: 1, maxKeys: 4});
    const cases = axes.chain(matrix => {
      const entry = fc.record(
        Object.fromEntries(Object.entries(matrix).map(([name, values]) => [name, fc.constantFrom(...values)])),
        {requiredKeys: []},
      );
      return fc.record({matrix: fc.constant(matrix as Matrix), exclude: fc.array(entry, {maxLength: 3})});
    });
    fc.assert(
      fc.property(cases, ({matrix, exclude}) => {
        const all = instances(matrix) ?? [];
        expect(all).toHaveLength(Object.values(matrix).reduce((product, values) => product * values.length, 1));
        expect(new Set(all.map(({item}) => JSON.stringify(item))).size).toBe(all.length);
        const kept = all.filter(({item}) => !exclude.some(entry => includes(item, entry)));
        const left = instances({...matrix, exclude}) ?? [];
        expect(left.map(({item}) => item)).toEqual(kept.map(({item}) => item));
        expect(new Set(left.map(({key}) => key)).size).toBe(left.length);
        expect(instances({...matrix, exclude})).toEqual(left.length === 0 ? null : left);
      }),
    );
  });

  it('refuse rules that would take for ever to compare', () => {
    const many = Array.from({length: 1000}, (_, index) => index);
    const exclude = many.map(a => ({a}));
    const result = parse({a: many, b: many.slice(0, 500), exclude});
    expect(JSON.stringify(result)).toContain('too many combinations to compare');
  });

  it('warn of an exclusion that excludes nothing', () => {
    const result = parse({os: ['a', 'b'], exclude: [{os: 'c'}, {os: 'b'}]});
    expect(result.ok && result.value.warnings.map(({message}) => message)).toEqual([
      '`matrix.exclude[0]` of task `t` excludes nothing',
    ]);
  });

  it('warn of a version that is read as another number', () => {
    const bytes = Buffer.from('version: 1\ntasks:\n  t: {run: x, matrix: {python: [3.9, 3.10]}}');
    const result = parsePlan({file: 'f', bytes});
    expect(result.ok && result.value.warnings).toEqual([
      {
        message: '`matrix.python[1]` of task `t` is read as 3.1, not as the text 3.10',
        hint: 'write "3.10" in quotes',
        line: 3,
        column: 38,
      },
    ]);
  });
});

function includes(item: JsonValue, entry: object): boolean {
  const values = item as Record<string, JsonValue>;
  return Object.entries(entry).every(([name, value]) => values[name] === value);
}
