import {expect, test} from 'vitest';
import {inMessages, orderOf} from '../../src/daemon/orders.ts';
import type {Assignment, NeedResult} from '../../src/federation/engine-io.ts';
import {agentId, attemptId, taskSeq, teamId} from '../../src/model/ids.ts';
import {MAX_MESSAGE_BYTES} from '../../src/wire/json-socket.ts';
import {taskSpec, teamSpec} from '../model/fabricated-specs.ts';

const spec = taskSpec('check', {run: 'echo hi'});
const team = teamSpec({count: 1, cwd: '/work/here', traceId: 'a'.repeat(32)});

function assignment(over: Partial<Assignment> = {}): Assignment {
  return {
    attempt: attemptId(9),
    teamId: teamId(1),
    task: taskSeq(4),
    taskId: 'check',
    spec,
    item: undefined,
    number: 2,
    agentId: agentId('audit-01'),
    needs: [],
    ...over,
  };
}

function need(over: Partial<NeedResult>): NeedResult {
  const ended = {state: 'succeeded', foreach: false, total: 1, succeeded: 1, failed: 0, outputs: null} as const;
  return {id: 'list', name: over.id ?? 'list', seq: taskSeq(0), ...ended, ...over};
}

function order(over: Partial<Assignment>) {
  const made = orderOf(assignment(over), team, null);
  if (!made.ok) throw new Error(made.failure.reason);
  return made.value;
}

test('an attempt runs in the folder of its team, logs by its number, and carries the trace of the request', () => {
  expect(order({})).toMatchObject({cwd: '/work/here', logFile: 'logs/4.2.log', outputFile: null, inputs: []});
  expect(order({}).traceparent).toMatch(/^00-a{32}-[0-9a-f]{16}-01$/);
  expect(order({spec: {...spec, workingDirectory: ['sub/', {item: ['dir']}]}, item: {dir: 'x'}}).cwd).toBe(
    '/work/here/sub/x',
  );
});

test('it is told how its needs ended, and given the outputs of those that have put out something', () => {
  const made = order({
    needs: [
      need({id: 'list', outputs: 'json'}),
      need({id: 'all', foreach: true, total: 9, succeeded: 7, failed: 2, state: 'failed', outputs: 'lines'}),
      need({id: 'silent'}),
      need({id: 'broken', state: 'failed', succeeded: 0, failed: 1, outputs: 'text'}),
    ],
  });
  expect(made.inputs).toEqual([
    {name: 'list.json', target: 'outputs/list.json'},
    {name: 'all', target: 'outputs/all'},
  ]);
  expect(JSON.parse(made.env['GODEL_NEEDS'] ?? '')).toMatchObject({
    list: {state: 'succeeded', total: 1, succeeded: 1, failed: 0},
    all: {state: 'failed', total: 9, succeeded: 7, failed: 2},
    broken: {state: 'failed'},
  });
});

test('a task that needs thousands of others goes without a variable that no program could be started with', () => {
  const needs = Array.from({length: 10_000}, (_, index) => need({id: `part-${index}`, outputs: 'json'}));
  const made = order({needs});
  expect(made.env).not.toHaveProperty('GODEL_NEEDS');
  expect(made.inputs).toHaveLength(10_000);
});

test('orders go in messages that a host accepts', () => {
  const large = order({spec: taskSpec('count', {run: '\u0001'.repeat(100_000)})});
  const orders = [order({}), ...Array.from({length: 200}, () => large)];
  const messages = [...inMessages(orders)];
  expect(messages.flat()).toEqual(orders);
  for (const message of messages) expect(JSON.stringify(message).length).toBeLessThan(MAX_MESSAGE_BYTES);
  expect([...inMessages(Array.from({length: 50}, () => order({})))]).toHaveLength(1);
});

test('an order that no message can hold is a failure of the attempt', () => {
  const needs = Array.from({length: 200_000}, (_, index) => need({id: `${'n'.repeat(60)}-${index}`, outputs: 'json'}));
  expect(orderOf(assignment({needs}), team, null)).toMatchObject({
    ok: false,
    failure: {reason: 'spawn-failed', code: 'E2BIG'},
  });
});

test('the output of an instance goes into the folder of its task', () => {
  const instance = {
    spec: {...spec, outputs: 'json', foreach: {from: 'list', items: []}} as const,
    taskId: 'check[a/b]',
  };
  expect(order({...instance, item: 'a/b'}).outputFile).toBe('outputs/check/a_b-4.json');
});

test('an item that no environment can hold is a failure of the attempt', () => {
  expect(orderOf(assignment({item: 'a\0b'}), team, null)).toMatchObject({
    ok: false,
    failure: {reason: 'foreach-invalid'},
  });
});

test('its limits go to the host with it', () => {
  const limits = {memoryBytes: 1024 ** 3, nice: 5, silenceMs: 60_000};
  expect(order({spec: {...spec, limits}}).limits).toEqual(limits);
  expect(order({})).not.toHaveProperty('limits');
});
