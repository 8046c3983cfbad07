import {expect, test} from 'vitest';
import {programEnvironment} from '../../src/project/program-environment.ts';

test('programs of godel keep what they need and settings, nothing else of the caller', () => {
  const kept = programEnvironment({
    PATH: '/bin',
    HOME: '/home/u',
    XDG_RUNTIME_DIR: '/run/u',
    LC_ALL: 'C',
    NODE_OPTIONS: '--no-warnings',
    GODEL_MAX_AGENTS: '7',
    AWS_SECRET_ACCESS_KEY: 'x',
    PWD: '/somewhere',
    unset: undefined,
  });
  expect(Object.keys(kept).sort()).toEqual([
    'GODEL_MAX_AGENTS',
    'HOME',
    'LC_ALL',
    'NODE_OPTIONS',
    'PATH',
    'XDG_RUNTIME_DIR',
  ]);
});

test('a daemon that a task has started does not carry the marks of that task', () => {
  const marks = {GODEL_COOKIE: 's.1', GODEL_TASK_ID: 't', GODEL_HOST: 'h', GODEL_ITEM_NAME: 'n', GODEL_NEEDS: '{}'};
  expect(programEnvironment(marks)).toEqual({});
});
