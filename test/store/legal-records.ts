import fc from 'fast-check';
import type {Failure} from '../../src/model/failure.ts';
import {agentId, attemptId, taskSeq} from '../../src/model/ids.ts';
import type {EngineRecord} from '../../src/model/record.ts';
import {isTerminal, type TaskState} from '../../src/model/task.ts';
import {taskSpec} from '../model/fabricated-specs.ts';
import {
  agents,
  created,
  ended,
  event,
  finished,
  host,
  instance,
  leased,
  means,
  planAdded,
  removed,
  revived,
  settings,
  stateOf,
  success,
  task,
  tasksCreated,
} from './sample-records.ts';

interface TeamSketch {
  readonly id: number;
  readonly tasks: (TaskState & {attempts: number})[];
  over: boolean;
}

interface Sketch {
  readonly teams: TeamSketch[];
  readonly open: {readonly attempt: number; readonly team: TeamSketch; readonly seq: number}[];
  lastTeam: number;
  lastAttempt: number;
}

/** One step of a story: what happens, and numbers that say to whom and how. */
type Step = readonly [kind: number, who: number, how: number];

const STANDINGS = ['present', 'paused', 'draining', 'gone'] as const;
const failure: Failure = {reason: 'command-failed', exitCode: 1, signal: null, tail: 'nö "such" \u2028 file\n'};

/** Sequences of records that an engine could have made. Steps that make no sense where they come are left out. */
export const legalRecords: fc.Arbitrary<EngineRecord[]> = fc
  .array(fc.tuple(fc.nat(9), fc.nat(1000), fc.nat(1000)), {minLength: 1, maxLength: 120})
  .map(steps => {
    const sketch: Sketch = {teams: [], open: [], lastTeam: 0, lastAttempt: 0};
    return steps.flatMap(step => recordsOf(sketch, step));
  });

function recordsOf(sketch: Sketch, [kind, who, how]: Step): EngineRecord[] {
  const active = sketch.teams.filter(({over}) => !over);
  const team = active[who % Math.max(active.length, 1)];
  if (kind === 0 || team === undefined) return createTeam(sketch, how);
  const seq = how % Math.max(team.tasks.length, 1);
  switch (kind) {
    case 1:
      if (how % 7 === 0) return [planAdded(team.id, [taskSpec(`more ${how}`)], {secretNames: how % 2 ? ['KEY'] : []})];
      return addTasks(team, how);
    case 2:
    case 3:
      return lease(sketch, team, seq);
    case 4:
    case 5:
      return endAttempt(sketch, who, how);
    case 6:
      return move(sketch, team, seq, how);
    case 7:
      return how % 4 === 0 ? endTeam(sketch, team, how) : [event(how % 3 === 0 ? null : team.id)];
    case 8:
      if (who % 2 === 0) return [agents(team.id, {id: `audit-0${how % 4}`, standing: STANDINGS[((who / 2) % 4) | 0]!})];
      if (who % 5 === 0)
        return [settings(team.id, {paused: how % 2 === 0}, how % 3 ? {usd: how, tokens: null} : undefined)];
      return [host(`h${how % 4}`, who % 3 === 0)];
    default:
      return removeTeam(sketch, who, how);
  }
}

function createTeam(sketch: Sketch, how: number): EngineRecord[] {
  const id = ++sketch.lastTeam;
  sketch.teams.push({id, tasks: [], over: false});
  return [created(id, how % 3 === 0 ? {plan: null, env: {}} : {name: `t${id}`}), event(id)];
}

function addTasks(team: TeamSketch, how: number): EngineRecord[] {
  const items = [null, 'x', 0, true, {path: 'a b'}, ['ü']];
  const rows = Array.from({length: 1 + (how % 3)}, (_, index) => {
    const seq = team.tasks.push({name: 'waiting', attempts: 0}) - 1;
    return seq === 0 ? task(seq) : instance(seq, items[(how + index) % items.length]!);
  });
  return [tasksCreated(team.id, rows)];
}

function lease(sketch: Sketch, team: TeamSketch, seq: number): EngineRecord[] {
  const found = team.tasks[seq];
  const beside = sketch.open.filter(open => open.team === team && open.seq === seq);
  if (!found || isTerminal(found.name) || beside.length > 1) return [];
  const attempt = ++sketch.lastAttempt;
  sketch.open.push({attempt, team, seq});
  found.attempts += 1;
  const cap = attempt % 3 ? {usd: 0.5, tokens: 1000} : {usd: null, tokens: null};
  const prompt = {agentId: agentId(`a-${attempt % 4}`), means: means('claude', attempt % 5 ? 'haiku' : null, cap)};
  const twin = beside.map(({attempt: first}) => ({twinOf: attemptId(first)}))[0];
  const lease = {...(attempt % 2 ? prompt : {}), ...twin};
  return [leased(team.id, seq, attempt, found.attempts, lease), event(team.id)];
}

function endAttempt(sketch: Sketch, who: number, how: number): EngineRecord[] {
  const [open] = sketch.open.splice(who % Math.max(sketch.open.length, 1), 1);
  if (!open) return [];
  const usage = {
    cpuSeconds: how % 2 ? how : null,
    maxRssBytes: how % 3 ? how * 4096 : null,
    usd: how % 5 ? null : 0.25,
  };
  const known = {
    ...usage,
    inputTokens: how % 7 ? null : how,
    outputTokens: null,
    cacheReadTokens: how % 2 ? how : null,
    cacheWriteTokens: null,
  };
  const outcomes = [
    success({usage: known, durationMs: how, outputBytes: how % 2 ? 17 : null}),
    success({result: {ok: false, failure}, durationMs: 0}),
    null,
  ];
  const states: TaskState[] = [
    {name: 'succeeded'},
    {name: 'backing-off', untilWallMs: 1_700_000_000_000.25 + how},
    {name: 'waiting'},
  ];
  const next = states[how % 3]!;
  const task = open.team.tasks[open.seq]!;
  const hasRival = sketch.open.some(({team, seq}) => team === open.team && seq === open.seq);
  // What one of two comes to nothing with, or what has lost, changes nothing.
  if (isTerminal(task.name) || (hasRival && how % 3 > 0)) return [ended(open.attempt, outcomes[1 + (how % 2)]!)];
  Object.assign(open.team.tasks[open.seq]!, next);
  return [
    ended(open.attempt, outcomes[how % 3]!),
    stateOf(open.team.id, open.seq, next, how % 3, how % 2),
    event(open.team.id),
  ];
}

/** Moves a task that has no open attempt, or marks one that has as verifying. */
function move(sketch: Sketch, team: TeamSketch, seq: number, how: number): EngineRecord[] {
  const found = team.tasks[seq];
  if (!found || isTerminal(found.name)) return [];
  const open = sketch.open.find(entry => entry.team === team && entry.seq === seq);
  const states: TaskState[] = [
    {name: 'ready'},
    {name: 'expanded'},
    {name: 'failed', failure},
    {name: 'skipped', because: {cause: 'needs', task: taskSeq(0)}},
    {name: 'skipped', because: {cause: 'condition', task: null}},
    {name: 'cancelled', by: 'fail-fast'},
  ];
  const next: TaskState = open ? {name: 'verifying', attempt: attemptId(open.attempt)} : states[how % states.length]!;
  Object.assign(found, next);
  return [stateOf(team.id, seq, next, 1, 2)];
}

function endTeam(sketch: Sketch, team: TeamSketch, how: number): EngineRecord[] {
  if (sketch.open.some(open => open.team === team)) {
    return [{kind: 'team-state', id: idOf(team), state: 'draining', ending: how % 8 ? 'user' : null}];
  }
  team.over = true;
  return [
    finished(team.id, how % 8 ? 'killed' : 'succeeded'),
    event(team.id, {type: 'team-finished', state: 'killed'}),
  ];
}

function removeTeam(sketch: Sketch, who: number, how: number): EngineRecord[] {
  const over = sketch.teams.filter(team => team.over);
  const team = over[who % Math.max(over.length, 1)];
  if (team && how % 4 === 0) return revive(team);
  if (!team || how % 2 === 0) return [];
  sketch.teams.splice(sketch.teams.indexOf(team), 1);
  return [removed(team.id)];
}

/** The team goes on, with the next round of whatever is over. */
function revive(team: TeamSketch): EngineRecord[] {
  team.over = false;
  const again = team.tasks.flatMap((found, seq) => {
    if (!isTerminal(found.name)) return [];
    Object.assign(found, {name: 'waiting'});
    return [stateOf(team.id, seq, {name: 'waiting'}, 0, 0, {round: 2, attempts: found.attempts})];
  });
  return [revived(team.id), ...again];
}

function idOf(team: TeamSketch) {
  return (removed(team.id) as Extract<EngineRecord, {kind: 'team-removed'}>).id;
}
