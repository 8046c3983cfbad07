import {readdirSync, readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {parse} from 'yaml';
import {compilePlan} from '../../src/plan/compile-plan.ts';
import {codeBlocks, pages} from './pages.ts';

const EXAMPLES = new URL('../../examples/', import.meta.url);

const shown = pages()
  .flatMap(codeBlocks)
  .filter(({language, code}) => language === 'yaml' && /^tasks:/m.test(code))
  .map(({path, line, code}) => [`${path}:${line}`, code] as const);

const shipped = readdirSync(EXAMPLES, {recursive: true, encoding: 'utf8'})
  .filter(name => name.endsWith('.yaml'))
  .map(name => [`examples/${name}`, readFileSync(new URL(name, EXAMPLES), 'utf8')] as const);

test('there are plans to check', () => {
  expect(shown.length).toBeGreaterThan(0);
  expect(shipped.length).toBeGreaterThan(0);
});

test.each([...shown, ...shipped])('the plan at %s is valid', (place, text) => {
  expect(compilePlan(parse(text), place)).toMatchObject({ok: true});
});
