import {expect, test} from 'vitest';

const {satisfies} = (await import(new URL('../../examples/dependency-audit/node-range.mjs', import.meta.url).href)) as {
  satisfies: (version: string, range: string) => boolean | null;
};

test.each([
  ['*', true],
  ['', true],
  ['20', true],
  ['20.x', true],
  ['20.19.0', true],
  ['=20.19.1', false],
  ['v20.19', true],
  ['>=18', true],
  ['>= 20.19.0', true],
  ['>=20.19.1', false],
  ['>20', false],
  ['>20.19.0', false],
  ['>20.18', true],
  ['<20', false],
  ['<20.19.1', true],
  ['<=20', true],
  ['<=20.18', false],
  ['^18.18.0 || ^20.9.0 || >=21.1.0', true],
  ['^20.19.1 || >=22.12.0', false],
  ['^0.10', false],
  ['~20.18', false],
  ['~20.19', true],
  ['~20', true],
  ['>=18 <21', true],
  ['>=18 <20', false],
  ['18 - 20', true],
  ['18 - 20.18', false],
  ['18 || 20 || >=22', true],
])('Node 20.19.0 and the range %j: %j', (range, expected) => {
  expect(satisfies('v20.19.0', range)).toBe(expected);
});

test('says that it does not know when the range is not understood', () => {
  expect(satisfies('v20.19.0', 'node eighteen')).toBeNull();
  expect(satisfies('v20.19.0', 'latest || >=20')).toBe(true);
});
