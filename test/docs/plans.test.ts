import {readdirSync, readFileSync} from 'node:fs';
import {expect, test} from 'vitest';
import {parsePlan} from '../../src/plan/parse-plan.ts';
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

/** A plan that is shown for what is wrong with it begins with `# error:`. */
test.each([...shown, ...shipped])('the plan at %s is valid, or wrong where it says so', (place, text) => {
  const parsed = parsePlan({file: place, bytes: Buffer.from(text)});
  expect(parsed.ok, JSON.stringify(parsed)).toBe(!text.startsWith('# error:'));
});
