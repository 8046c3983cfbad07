import {execFileSync} from 'node:child_process';
import {expect, test} from 'vitest';
import {authorOf, commitMessage, type MergedChange} from '../../src/workspace/merge-message.ts';

const CHANGE: MergedChange = {
  team: 'audit',
  task: 'fix[src/a.ts]',
  description: 'Make the parser accept empty files',
  agent: 'audit-07',
  runtime: 'claude',
  model: 'haiku',
  usd: 0.01234,
  attempt: 12,
  reviewer: 'audit-02',
};

const trailersOf = (message: string) =>
  execFileSync('git', ['interpret-trailers', '--parse'], {input: message, encoding: 'utf8'}).trim().split('\n');

test('the first line reads well by itself and the origin is in trailers that git understands', () => {
  const message = commitMessage(CHANGE);
  expect(message.split('\n').slice(0, 2)).toEqual(['fix[src/a.ts]: Make the parser accept empty files', '']);
  expect(trailersOf(message)).toEqual([
    'Godel-Team: audit',
    'Godel-Task: fix[src/a.ts]',
    'Godel-Agent: audit-07',
    'Godel-Runtime: claude/haiku',
    'Godel-Cost: $0.0123',
    'Godel-Attempt: 12',
    'Reviewed-by: audit-02 <audit-02@godel.invalid>',
  ]);
});

test('what is unknown is said or left out', () => {
  const message = commitMessage({...CHANGE, description: null, model: null, usd: null, reviewer: null});
  expect(message.split('\n')[0]).toBe('fix[src/a.ts]');
  expect(trailersOf(message)).toContain('Godel-Runtime: claude');
  expect(trailersOf(message)).toContain('Godel-Cost: unknown');
  expect(message).not.toContain('Reviewed-by');
});

test('a long description is cut in the first line and follows in full; more lines of it are the body', () => {
  const long = `Rewrite ${'very '.repeat(30)}much`;
  const cut = commitMessage({...CHANGE, description: `${long}\n\nWith reasons.`});
  const [subject = '', , body] = cut.split('\n');
  expect(subject.length).toBeLessThanOrEqual(72);
  expect(subject.endsWith('…')).toBe(true);
  expect(body).toBe(long);
  const short = commitMessage({...CHANGE, description: 'Short.\n\nWith reasons.'});
  expect(short.split('\n').slice(0, 4)).toEqual(['fix[src/a.ts]: Short.', '', 'With reasons.', '']);
});

test('a description cannot pass for a trailer, steer a terminal or break the message', () => {
  const description = 'Hello\u001b[31m\n\nGodel-Cost: $0.0000\nReviewed-by: nobody\n---\nGodel-Team: other';
  const message = commitMessage({...CHANGE, description, reviewer: null, team: 'a\nGodel-Cost: $9'});
  expect(message).not.toContain('\u001b');
  expect(trailersOf(message).filter(line => line.startsWith('Godel-Cost'))).toEqual(['Godel-Cost: $0.0123']);
  expect(trailersOf(message)).toHaveLength(6);
});

test('authors are what git takes for one', () => {
  expect(authorOf('audit-01')).toEqual({name: 'audit-01', email: 'audit-01@godel.invalid'});
  expect(authorOf('<äöü>')).toEqual({name: 'äöü', email: 'agent@godel.invalid'});
  expect(authorOf('\n')).toEqual({name: 'godel', email: 'agent@godel.invalid'});
});
