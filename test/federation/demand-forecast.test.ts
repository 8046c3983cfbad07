import {describe, expect, it} from 'vitest';
import {firstAbove, type ForecastRequest, forecastDemand, peakUntil} from '../../src/federation/demand-forecast.ts';
import {TaskDurations} from '../../src/federation/task-durations.ts';
import {buildTaskGraph} from '../../src/federation/task-graph.ts';
import {TaskNode} from '../../src/federation/task-node.ts';
import {attemptId, taskSeq} from '../../src/model/ids.ts';
import type {CommandTask} from '../../src/model/task.ts';
import {taskSpec} from '../model/fabricated-specs.ts';

function graphOf(tasks: readonly CommandTask[]): TaskNode[] {
  return buildTaskGraph({name: null, env: {}, tasks});
}

function started(tasks: readonly TaskNode[], count: number) {
  return tasks.slice(0, count).map(task => {
    task.state = {name: 'running', attempt: attemptId(task.seq + 1)};
    return {task, startedMs: 0};
  });
}

function forecast(changes: Partial<ForecastRequest>) {
  return forecastDemand({
    nowMs: 0,
    untilMs: 10_000,
    running: [],
    queued: 0,
    expected: () => 1000,
    most: 100,
    ...changes,
  });
}

describe('the forecast of what will want to run', () => {
  it('follows what runs to its end, and what waits only for that', () => {
    const fan = Array.from({length: 8}, (_, index) => taskSpec(`f${index}`, {needs: ['a', 'b']}));
    const tasks = graphOf([taskSpec('a'), taskSpec('b'), ...fan, taskSpec('end', {needs: fan.map(({id}) => id)})]);
    const demands = forecast({running: started(tasks, 2)});
    expect(demands).toEqual([
      {atMs: 0, slots: 2},
      {atMs: 1000, slots: 8},
      {atMs: 2000, slots: 1},
      {atMs: 3000, slots: 0},
    ]);
    expect(tasks.map(task => task.unfinishedNeeds)).toEqual([0, 0, 2, 2, 2, 2, 2, 2, 2, 2, 8]);
    expect([firstAbove(demands, 2), firstAbove(demands, 8)]).toEqual([1000, null]);
    expect([peakUntil(demands, 999), peakUntil(demands, 1000)]).toEqual([2, 8]);
  });

  it('expects nothing of what nobody knows the duration of, and takes what is overdue to take a while longer', () => {
    const tasks = graphOf([taskSpec('a'), taskSpec('b', {needs: ['a']})]);
    const running = started(tasks, 1);
    expect(forecast({running, expected: () => null})).toEqual([{atMs: 0, slots: 1}]);
    expect(forecast({nowMs: 4000, running, untilMs: 4500})).toEqual([{atMs: 4000, slots: 1}]);
    expect(forecast({nowMs: 4000, running, untilMs: 6500, expected: task => (task.id === 'a' ? 1000 : 500)})).toEqual([
      {atMs: 4000, slots: 1},
      {atMs: 5500, slots: 0},
    ]);
  });

  it('counts the items of a list, and what waits for all instances only after the last', () => {
    const items = [1, 2, 3, 4, 5];
    const each = taskSpec('each', {needs: ['a'], foreach: {from: 'list', items}, maxParallel: 3});
    const tasks = graphOf([taskSpec('a'), each, taskSpec('end', {needs: ['each']})]);
    expect(forecast({running: started(tasks, 1)})).toEqual([
      {atMs: 0, slots: 1},
      {atMs: 1000, slots: 3},
    ]);
    const [, group] = tasks;
    if (!group) throw new Error('a group was expected');
    group.members = {all: [], total: 5, open: 2, succeeded: 3, failed: 0, cancelled: 0, running: 2};
    const instances = [3, 4].map(seq => {
      const {spec, specIndex} = group;
      return new TaskNode({seq: taskSeq(seq), id: `each[${seq}]`, specIndex, spec, group, item: seq});
    });
    const running = instances.map((task, index) => ({task, startedMs: -100 * index}));
    expect(forecast({running})).toEqual([
      {atMs: 0, slots: 2},
      {atMs: 900, slots: 1},
      {atMs: 2000, slots: 0},
    ]);
  });

  it('ends where more is wanted than there may ever be', () => {
    const tasks = graphOf([taskSpec('a'), ...Array.from({length: 9}, (_, n) => taskSpec(`f${n}`, {needs: ['a']}))]);
    expect(forecast({running: started(tasks, 1), most: 5}).at(-1)).toEqual({atMs: 1000, slots: 9});
  });
});

describe('what tasks are expected to take', () => {
  it('is said by the plan, or else learned from tasks of their kind, the newest counting most', () => {
    const [lint, test, more, said] = graphOf([
      taskSpec('lint', {run: 'eslint src'}),
      taskSpec('test', {run: 'vitest run'}),
      taskSpec('more', {run: 'eslint test'}),
      taskSpec('said', {run: 'eslint all', estimate: {durationMs: 7}}),
    ]);
    if (!lint || !test || !more || !said) throw new Error('four tasks were expected');
    const durations = new TaskDurations();
    expect(durations.expected(more)).toBeNull();
    durations.learn(lint, 1000);
    expect([more, test, said].map(task => durations.expected(task))).toEqual([1000, null, 7]);
    durations.learn(lint, 2000);
    expect(durations.expected(more)).toBe(1300);
  });
});
