import {expect, test} from 'vitest';
import {allowances, parseAllowance} from '../../src/runtimes/allow.ts';

const NOTHING = {
  bash: 'some',
  bashPatterns: [],
  network: false,
  readOutside: false,
  mcp: false,
  spawn: false,
  secrets: [],
};

test.each([
  [[], {}],
  [['bash'], {bash: 'any'}],
  [['bash:npm test*', 'bash: make '], {bashPatterns: ['npm test*', 'make']}],
  [['network', 'read-outside'], {network: true, readOutside: true}],
  [['mcp'], {mcp: true}],
  [['spawn'], {spawn: true}],
  [['secret:NPM_TOKEN'], {secrets: ['NPM_TOKEN']}],
  [['all'], {bash: 'any', network: true, readOutside: true, mcp: true}],
])('%j allows just that', (list, more) => {
  expect(allowances(list)).toEqual({...NOTHING, ...more});
});

test.each([
  ['bsh', 'did you mean `bash`?'],
  ['netwrok', 'did you mean `network`?'],
  ['secrets:X', 'did you mean `secret`?'],
  ['everything', 'known are bash, network'],
  ['bash:', 'needs the commands it allows'],
  ['bash:a), Write(', 'must not contain ")"'],
  ['bash:a\nb', 'must not contain "\\n"'],
  ['secret:', 'needs the name of an environment variable'],
  ['secret:A B', 'needs the name of an environment variable'],
  ['network:x', '`network:x` is no permission'],
  ['', 'is no permission'],
])('%j is refused with %j, and allows nothing', (text, message) => {
  const parsed = parseAllowance(text);
  expect(parsed).toMatchObject({ok: false, failure: expect.stringContaining(message) as string});
  expect(allowances([text])).toEqual(NOTHING);
});
