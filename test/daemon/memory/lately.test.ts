import {expect, test} from 'vitest';
import {type Asker, Lately} from '../../../src/daemon/memory/lately.ts';
import {teamId} from '../../../src/model/ids.ts';
import {taskSpec} from '../../model/fabricated-specs.ts';
import {memory} from './fabricated-memory.ts';

const one = {teamId: teamId(1), task: {spec: taskSpec('each', {run: 'true'})}} satisfies Asker;
const other = {teamId: teamId(1), task: {spec: taskSpec('last', {run: 'true'})}} satisfies Asker;
const prompt = {...one, task: {...one.task, means: {}}} satisfies Asker;

test('beyond a tenth of the time, commands share what was found for one of their task within the last second', () => {
  let nowMs = 1000;
  const lately = new Lately(() => nowMs);
  const [first, second] = [[memory({id: 'first'})], [memory({id: 'second'})]];
  lately.found(one, {found: first, tookMs: 150});
  // There is still time to search.
  expect(lately.of(one)).toBeNull();
  lately.found(one, {found: second, tookMs: 150});
  expect(lately.of(one)).toBe(second);
  expect(lately.of(other)).toBeNull();
  expect(lately.of({...one, teamId: teamId(2)})).toBeNull();
  expect(lately.of(prompt)).toBeNull();
  nowMs += 900;
  expect(lately.of(one)).toBe(second);
  // A second later 100 ms have been saved up again.
  nowMs += 200;
  expect(lately.of(one)).toBeNull();
});

test('prompts use up nothing, and what was spent on a slow search is paid back within seconds', () => {
  let nowMs = 0;
  const lately = new Lately(() => nowMs);
  lately.found(prompt, {found: [memory()], tookMs: 100_000});
  expect(lately.of(one)).toBeNull();
  lately.found(one, {found: [memory()], tookMs: 100_000});
  nowMs = 900;
  expect(lately.of(one)).not.toBeNull();
  nowMs = 2001;
  expect(lately.of(one)).toBeNull();
  lately.found(one, {found: [], tookMs: 150});
  expect(lately.of(one)).toEqual([]);
});
