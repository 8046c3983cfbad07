import fc from 'fast-check';
import {expect, test} from 'vitest';
import {bashReplies, readBashLine} from '../../../src/cli/completion/bash-line.ts';
import {wanted} from '../../../src/cli/completion/wanted.ts';
import {buildProgram} from '../../../src/cli/program.ts';

const program = buildProgram(() => Promise.resolve());
const values = (...words: string[]) => wanted(program, words).candidates.map(({value}) => value);

test('commands are completed in their groups, the hidden one never', () => {
  expect(values('')).toContain('team');
  expect(values('')).not.toContain('complete');
  expect(values('team', '')).toContain('scale');
  expect(values('team', '')).not.toContain('doctor');
  expect(values('agent', '')).toEqual(['kill', 'drain', 'restart']);
  expect(values('completion', '')).toEqual(['bash', 'zsh', 'fish']);
});

test('options are those of the command and those of every command', () => {
  expect(values('team', 'scale', '--')).toEqual(expect.arrayContaining(['--count', '--json', '--project', '--help']));
  expect(values('team', 'scale', '--')).not.toContain('--plan');
  expect(values('--')).toContain('--project');
});

test.each([
  [['team', 'spawn', '--plan', ''], 'files'],
  [['team', 'spawn', '--plan=x'], 'files'],
  [['plan', 'check', ''], 'files'],
  [['--project', ''], 'folders'],
  [['team', 'spawn', '--count', ''], 'words'],
] as const)('%j asks for %s', (words, kind) => {
  expect(wanted(program, words)).toMatchObject({kind, candidates: []});
});

test('what an option takes is completed behind it and behind its equals sign', () => {
  expect(values('team', 'scale', '--autoscale', '')).toEqual(['on', 'off']);
  expect(wanted(program, ['team', 'scale', '--autoscale=o'])).toMatchObject({before: '--autoscale='});
  expect(values('team', 'scale', '--strategy', '')).toContain('peak-ewma');
  expect(values('team', 'scale', '--autoscale', 'on', '--m')).toContain('--min');
});

test.each([
  [['team', 'status', ''], ['team'], null],
  [['team', 'retry', ''], ['team', 'task'], null],
  [['team', 'retry', 'audit', ''], ['task'], 'audit'],
  [['team', 'retry', 'audit', 'a', 'b', ''], ['task'], 'audit'],
  [['team', 'explain', 'audit', ''], ['subject'], 'audit'],
  [['team', 'pause', '--json', 'audit', ''], ['agent'], 'audit'],
  [['agent', 'kill', ''], ['agent'], null],
  [['agent', 'kill', '--team', 'audit', ''], ['agent'], 'audit'],
  [['agent', 'kill', '--team', ''], ['team'], null],
  [['team', 'logs', 'audit', 'a', ''], [], null],
  [['memory', 'show', ''], ['memory'], null],
  [['memory', 'forget', '01', '02', ''], ['memory'], '01'],
] as const)('%j looks up %j of the team %s', (words, lookups, team) => {
  expect(wanted(program, words)).toMatchObject({lookups, team});
});

test('after -- nothing is an option', () => {
  expect(wanted(program, ['team', 'status', '--', '-x'])).toMatchObject({lookups: ['team']});
});

test('a line of bash is taken apart as bash does it', () => {
  expect(readBashLine('godel team  logs ', '')).toMatchObject({words: ['godel', 'team', 'logs', ''], typed: ''});
  expect(readBashLine(String.raw`godel logs it\'s\ me "a b" 'c d`, "'c d")).toMatchObject({
    words: ['godel', 'logs', "it's me", 'a b', 'c d'],
    quote: "'",
  });
  expect(readBashLine('godel scale --autoscale=o', 'o')).toMatchObject({kept: '--autoscale='});
});

test('bash is answered what it can put in place of what it takes for the word', () => {
  const line = readBashLine('godel team logs audit check:x', 'x');
  expect(bashReplies(line, [{value: 'check:x y', about: ''}])).toEqual([String.raw`x\ y`]);
  expect(bashReplies(line, [{value: 'build', about: ''}])).toEqual([]);
});

test('a name that bash was answered is that name again when bash reads it', () => {
  const name = fc.string({minLength: 1, maxLength: 30}).filter(text => !/\p{Cc}/u.test(text));
  fc.assert(
    fc.property(name, fc.constantFrom('', "'", '"'), (value, quote) => {
      fc.pre(quote !== "'" || !value.includes("'"));
      const line = readBashLine(`godel team status ${quote}`, quote);
      const [reply = ''] = bashReplies(line, [{value, about: ''}]);
      expect(readBashLine(`godel team status ${quote}${reply}${quote} `, '').words.at(-2)).toBe(value);
    }),
  );
});
