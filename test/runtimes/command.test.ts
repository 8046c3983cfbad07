import {expect, test} from 'vitest';
import {simpleCommand} from '../../src/runtimes/simple-command.ts';

test.each([
  ['true', ['true']],
  ['  node  check.mjs\t--level=2 a/b:c,d@e%f+g \n', ['node', 'check.mjs', '--level=2', 'a/b:c,d@e%f+g']],
  ['/bin/echo -n x=y', ['/bin/echo', '-n', 'x=y']],
  ['test -s report.json', ['test', '-s', 'report.json']],
])('%j needs no shell', (script, words) => {
  expect(simpleCommand(script)).toEqual({file: words[0], args: words.slice(1)});
});

test.each([
  'A=1 env',
  'cd /tmp',
  'exit 3',
  'echo $HOME',
  'echo "a b"',
  'ls *.ts',
  'ls ~',
  'a | b',
  'a && b',
  'a; b',
  'a > b',
  'a &',
  'echo a\necho b',
  'echo {a,b}',
  'echo a # b',
  '! true',
  '[ -f x ]',
  'echo ü',
  'wait',
  '',
])('%j needs a shell', script => {
  expect(simpleCommand(script)).toBeNull();
});
