import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {PlanWidth} from '../../src/federation/plan-width.ts';
import {buildTaskGraph} from '../../src/federation/task-graph.ts';
import {TaskNode} from '../../src/federation/task-node.ts';
import {taskSeq} from '../../src/model/ids.ts';
import type {CommandTask} from '../../src/model/task.ts';
import {taskSpec} from '../model/fabricated-specs.ts';

function graphOf(tasks: readonly CommandTask[]): TaskNode[] {
  return buildTaskGraph({name: null, env: {}, tasks});
}

function widthOf(tasks: readonly CommandTask[]): number {
  return new PlanWidth(graphOf(tasks)).width;
}

const abreast = (count: number, name: string, needs: string[]) =>
  Array.from({length: count}, (_, index) => taskSpec(`${name}${index}`, {needs}));

/** Each task may need any of those before it. */
const graphs = fc.array(fc.uniqueArray(fc.nat(), {maxLength: 4}), {minLength: 1, maxLength: 10}).map(rows =>
  rows.map((needs, index) => {
    const known = index === 0 ? [] : [...new Set(needs.map(need => need % index))];
    return taskSpec(`t${index}`, {needs: known.map(need => `t${need}`)});
  }),
);

function reaches(from: TaskNode, to: TaskNode): boolean {
  return from.dependents.some(next => next === to || reaches(next, to));
}

/** By trying all sets: the most open tasks of which none needs another. */
function widest(tasks: readonly TaskNode[]): number {
  const open = tasks.filter(task => task.state.name === 'waiting');
  let best = 0;
  for (let set = 0; set < 1 << open.length; set += 1) {
    const chosen = open.filter((_, index) => set & (1 << index));
    const apart = chosen.every(a => chosen.every(b => a === b || !(reaches(a, b) || reaches(b, a))));
    if (apart) best = Math.max(best, chosen.length);
  }
  return best;
}

describe('the width of a plan', () => {
  it('is 1 for a chain and the number of tasks for tasks that need nothing', () => {
    expect(widthOf([taskSpec('a'), taskSpec('b', {needs: ['a']}), taskSpec('c', {needs: ['b']})])).toBe(1);
    expect(widthOf(abreast(7, 'a', []))).toBe(7);
  });

  it('counts what runs side by side once, however often it comes together and parts again', () => {
    const stages = Array.from({length: 20}, (_, stage) => [
      ...abreast(50, `s${stage}-`, stage === 0 ? [] : [`join${stage - 1}`]),
      taskSpec(`join${stage}`, {needs: Array.from({length: 50}, (_unused, index) => `s${stage}-${index}`)}),
    ]).flat();
    expect(widthOf(stages)).toBe(50);
  });

  it('is never less than the most that can run at a time, whatever is over already', () => {
    fc.assert(
      fc.property(graphs, fc.nat(10), (specs, over) => {
        const tasks = graphOf(specs);
        const width = new PlanWidth(tasks);
        expect(width.width).toBeGreaterThanOrEqual(widest(tasks));
        for (const task of tasks.slice(0, over)) {
          task.state = {name: 'succeeded'};
          width.ended(task);
          expect(width.width).toBeGreaterThanOrEqual(widest(tasks));
        }
        expect(new PlanWidth(tasks).width).toBeGreaterThanOrEqual(widest(tasks));
        for (const task of tasks.slice(over)) width.ended(task);
        expect(width.width).toBe(0);
      }),
    );
  });

  it('only falls as tasks end', () => {
    fc.assert(
      fc.property(graphs, specs => {
        const tasks = graphOf(specs);
        const width = new PlanWidth(tasks);
        for (const task of tasks) {
          const before = width.width;
          width.ended(task);
          expect(width.width).toBeLessThanOrEqual(before);
        }
      }),
    );
  });

  it('takes a list for as many as it has items, no more than may run at a time, and as those of it that are left', () => {
    const items = Array.from({length: 10}, (_, index) => index);
    const each = taskSpec('each', {foreach: {from: 'list', items}, needs: ['a']});
    expect(widthOf([taskSpec('a'), each])).toBe(10);
    expect(widthOf([taskSpec('a'), {...each, maxParallel: 3}])).toBe(3);

    const [a, group] = graphOf([taskSpec('a'), each]);
    if (!a || !group) throw new Error('two tasks were expected');
    const width = new PlanWidth([a, group]);
    width.ended(a);
    group.members = {all: [], total: 10, open: 10, succeeded: 0, failed: 0, cancelled: 0, running: 0};
    width.expanded(group);
    expect(width.width).toBe(10);
    group.members.open = 4;
    width.ended(instanceOf(group));
    expect(width.width).toBe(4);
    width.ended(group);
    expect(width.width).toBe(0);
  });

  it('knows that it does not know the items of an output, and learns them', () => {
    const each = taskSpec('each', {foreach: {from: 'output', task: 'list', path: []}, needs: ['list']});
    const [list, group] = graphOf([taskSpec('list', {outputs: 'json'}), each]);
    if (!list || !group) throw new Error('two tasks were expected');
    const width = new PlanWidth([list, group]);
    expect([width.width, width.mayGrow]).toEqual([1, true]);
    width.ended(list);
    group.members = {all: [], total: 6, open: 6, succeeded: 0, failed: 0, cancelled: 0, running: 0};
    width.expanded(group);
    expect([width.width, width.mayGrow]).toEqual([6, false]);
  });

  it('no longer waits for the items of a foreach that was skipped', () => {
    const each = taskSpec('each', {foreach: {from: 'output', task: 'list', path: []}, needs: ['list']});
    const [list, group] = graphOf([taskSpec('list', {outputs: 'json'}), each]);
    if (!list || !group) throw new Error('two tasks were expected');
    const width = new PlanWidth([list, group]);
    width.ended(list);
    width.ended(group);
    expect([width.width, width.mayGrow]).toEqual([0, false]);
  });
});

function instanceOf(group: TaskNode): TaskNode {
  const {spec, specIndex} = group;
  return new TaskNode({seq: taskSeq(2), id: 'each[0]', specIndex, spec, group, item: 0});
}
