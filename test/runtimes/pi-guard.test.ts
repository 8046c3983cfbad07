import {mkdirSync, realpathSync, symlinkSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, describe, expect, test} from 'vitest';
import guard from '../../src/runtimes/pi-guard/entry.ts';
import type {PiPolicy, ToolCall} from '../../src/runtimes/pi-guard/policy.ts';
import {temporaryFolder} from './run-agent.ts';

type Handler = (call: ToolCall) => {block: true; reason: string} | undefined;

afterEach(() => {
  delete process.env['GODEL_PI_POLICY'];
});

/** The guard as pi has it, and the folder that it guards. */
function guarded(policy: Partial<PiPolicy> = {}) {
  const outside = realpathSync(temporaryFolder('outside'));
  const cwd = join(outside, 'work');
  mkdirSync(cwd);
  process.env['GODEL_PI_POLICY'] = JSON.stringify({cwd, bash: [], readOutside: false, ...policy});
  const handlers: Handler[] = [];
  guard({on: (_, handler) => handlers.push(handler)});
  const allows = (toolName: string, input: Record<string, unknown>) => handlers[0]?.({toolName, input}) === undefined;
  return {cwd, outside, allows};
}

describe('files', () => {
  test.each(['a.txt', 'deep/new/a.txt', './a.txt', '@a.txt', 'a..b', 'x/../a.txt'])('%s may be changed', path => {
    const {allows} = guarded();
    expect(allows('write', {path, content: ''})).toBe(true);
    expect(allows('edit', {path})).toBe(true);
  });

  test.each(['../a.txt', '/etc/passwd', '~/.bashrc', 'x/../../a.txt', '@/etc/passwd', '@../a', '../work2/a', '..'])(
    '%s may not, nor be read',
    path => {
      const {allows} = guarded();
      expect(allows('write', {path, content: ''})).toBe(false);
      expect(allows('read', {path})).toBe(false);
    },
  );

  test('a link leads no further than the folder', () => {
    const {cwd, outside, allows} = guarded();
    symlinkSync(outside, join(cwd, 'link'));
    writeFileSync(join(outside, 'secret'), '');
    symlinkSync(join(outside, 'secret'), join(cwd, 'secret'));
    expect(allows('write', {path: 'link/new.txt'})).toBe(false);
    expect(allows('read', {path: 'secret'})).toBe(false);
  });

  test('reading outside can be allowed, changing cannot', () => {
    const {allows} = guarded({readOutside: true});
    expect(allows('read', {path: '/etc/passwd'})).toBe(true);
    expect(allows('write', {path: '/etc/passwd'})).toBe(false);
  });

  test('searching is in the folder unless a path says otherwise', () => {
    const {allows} = guarded();
    expect(allows('grep', {pattern: 'x'})).toBe(true);
    expect(allows('find', {pattern: '*', path: '/'})).toBe(false);
    expect(allows('ls', {})).toBe(true);
  });
});

describe('commands', () => {
  test.each(['npm test', 'npm test -- --run a.test.ts', 'make'])('%j fits a pattern', command => {
    expect(guarded({bash: ['npm test*', 'make']}).allows('bash', {command})).toBe(true);
  });

  test.each([
    'npm publish',
    'make all',
    'npm test; rm -rf /',
    'npm test && rm x',
    'npm test | sh',
    'npm test > /etc/x',
    'npm test $(rm x)',
    'npm test `rm x`',
    'npm test\nrm x',
    'npm test & rm x',
    'xnpm test',
    '',
  ])('%j fits none', command => {
    expect(guarded({bash: ['npm test*', 'make']}).allows('bash', {command})).toBe(false);
  });

  test('any command may run where any is allowed', () => {
    expect(guarded({bash: null}).allows('bash', {command: 'a && b > c'})).toBe(true);
  });
});

test('a tool that nobody knows is refused, and everything without a policy', () => {
  expect(guarded().allows('deploy', {})).toBe(false);
  delete process.env['GODEL_PI_POLICY'];
  const handlers: Handler[] = [];
  guard({on: (_, handler) => handlers.push(handler)});
  expect(handlers[0]?.({toolName: 'ls', input: {}})).toMatchObject({block: true});
});
