import {execFileSync} from 'node:child_process';
import {expect, test} from 'vitest';
import {shellWord} from '../../src/base/shell-word.ts';

test.each(['audit', 'größe-2', 'my plan', "it's", '$(touch x)', 'check[node_modules/ws]', '*', ''])(
  'a shell reads %j back as it was',
  text => {
    expect(execFileSync('/bin/sh', ['-c', `printf %s ${shellWord(text)}`], {encoding: 'utf8'})).toBe(text);
  },
);

test('what needs no quotes has none', () => {
  expect(shellWord('nightly-2.build_3')).toBe('nightly-2.build_3');
  expect(shellWord('größe')).toBe('größe');
  expect(shellWord('my plan')).toBe("'my plan'");
});
