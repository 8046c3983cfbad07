import {expect, test} from 'vitest';
import {Effects, type EffectsOptions} from '../../src/daemon/effects.ts';
import type {Assignment, Effect, Input} from '../../src/federation/engine-io.ts';
import {NO_AGENT_SETTINGS} from '../../src/model/agent-settings.ts';
import {agentId, attemptId, hostId, taskSeq, teamId} from '../../src/model/ids.ts';
import type {GivenMemory} from '../../src/model/memory.ts';
import {projectPaths} from '../../src/project/project-paths.ts';
import {taskSpec, teamSpec} from '../model/fabricated-specs.ts';
import {until} from '../rig/until.ts';

const host = hostId('host-1');
const spec = teamSpec();

/** Effects with a host that writes down what it is told, and a memory that answers when the test says so. */
function setUp() {
  const told: string[] = [];
  const inputs: Input[] = [];
  const asked = new Map<number, (memories: readonly GivenMemory[]) => void>();
  const nothing = () => undefined;
  const parts = {
    paths: projectPaths('/nowhere', {}),
    hosts: {
      assign: (_host: string, {attempt, memories}: {attempt: number; memories?: readonly GivenMemory[]}) =>
        told.push(`assign ${attempt} ${memories?.map(({id}) => id).join() ?? 'off'}`),
      tell: (_host: string, message: {type: string; attempts?: readonly number[]}) =>
        told.push(`${message.type} ${message.attempts?.join() ?? ''}`.trim()),
      endTick: () => told.push('end of tick'),
    },
    lessons: {
      prepare: nothing,
      before: ({attempt}: Assignment, {memory}: {memory?: string}) =>
        memory === 'off' ? null : new Promise(resolve => asked.set(attempt, resolve)),
    },
    secrets: {of: () => ({})},
    notForAttempts: ['GODEL_SECRET_OF_THE_HUB'],
    progress: {started: nothing},
    merges: {},
    agentSettings: NO_AGENT_SETTINGS,
    submit: (input: Input) => inputs.push(input),
    log: {},
  };
  // Of the other parts none is used by what is performed here.
  const effects = new Effects(parts as unknown as EffectsOptions);
  const open = (memory: 'on' | 'off' = 'on') =>
    effects.perform({type: 'open-team', hostId: host, teamId: teamId(1), spec: {...spec, memory}});
  const answer = (attempt: number, ids: readonly string[]) =>
    asked.get(attempt)?.(
      ids.map(id => ({id, task: '', input: '', output: '', critique: null, reward: 1, success: true, tags: []})),
    );
  return {effects, told, inputs, open, answer};
}

function assign(attempt: number): Effect {
  const assignment = {
    attempt: attemptId(attempt),
    teamId: teamId(1),
    task: taskSeq(attempt),
    taskId: `task-${attempt}`,
    spec: taskSpec(`task-${attempt}`),
    item: undefined,
    number: 1,
    agentId: agentId('audit-1'),
    needs: [],
  };
  return {type: 'assign', hostId: host, assignment};
}

test('nobody waits for the memories of another', async () => {
  const {effects, told, open, answer} = setUp();
  open();
  for (const attempt of [1, 2, 3]) effects.perform(assign(attempt));
  answer(2, ['a', 'b']);
  answer(3, []);
  await until('they are sent', () => told.includes('end of tick'));
  expect(told).toEqual(['open-team', 'assign 2 a,b', 'assign 3 ', 'end of tick']);
  answer(1, ['c']);
  await until('it is sent too', () => told.length > 5);
  expect(told.slice(4)).toEqual(['assign 1 c', 'end of tick']);
});

test('what is stopped before its memories are there is never sent, and its end is said', async () => {
  const {effects, told, inputs, open, answer} = setUp();
  open();
  for (const attempt of [1, 2]) effects.perform(assign(attempt));
  effects.perform({type: 'stop-attempts', hostId: host, attempts: [attemptId(1)], by: 'user'});
  answer(1, ['late']);
  answer(2, []);
  await until('the other is sent', () => told.includes('end of tick'));
  expect(told).toEqual(['open-team', 'stop 1', 'assign 2 ', 'end of tick']);
  expect(inputs).toMatchObject([
    {type: 'attempt-finished', attempt: 1, outcome: {result: {ok: false, failure: {reason: 'stopped', by: 'user'}}}},
  ]);
});

test('what is assigned again meanwhile is sent once', async () => {
  const {effects, told, open, answer} = setUp();
  open();
  effects.perform(assign(1));
  const first = answer;
  first(1, ['old']);
  effects.perform(assign(1));
  answer(1, ['new']);
  await until('it is sent', () => told.includes('end of tick'));
  expect(told).toEqual(['open-team', 'assign 1 new', 'end of tick']);
});

test('without memory an order goes at once, before whatever is said next', () => {
  const {effects, told, open} = setUp();
  open('off');
  effects.perform(assign(1));
  effects.perform({type: 'stop-attempts', hostId: host, attempts: [attemptId(1)], by: 'user'});
  expect(told).toEqual(['open-team', 'assign 1 off', 'stop 1']);
});

test('attempts are not given what only the hub is to know', () => {
  const {effects} = setUp();
  const env = {A: '1', GODEL_SECRET_OF_THE_HUB: 'xyzzy'};
  expect(effects.environmentOf(teamId(1), {...spec, env})).toEqual({A: '1'});
});
