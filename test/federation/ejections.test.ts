import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import type {AgentGroup} from '../../src/model/agent.ts';
import {DEFAULT_EJECTION} from '../../src/model/ejection.ts';
import {agentId} from '../../src/model/ids.ts';
import {type AgentRecord, NOTHING_KNOWN, noteOutcome} from '../../src/federation/agent-record.ts';
import {type Breaker, BREAKER_RULES, CLOSED} from '../../src/federation/circuit-breaker.ts';
import {rulesOf} from '../../src/federation/ejection-rules.ts';
import {Ejections, type Judged, type Verdict} from '../../src/federation/ejections.ts';
import {coverOf, EJECTION_RULES, mostEjected} from '../../src/federation/outlier-ejection.ts';

function group(changes: Partial<AgentGroup> = {}): AgentGroup {
  return {
    name: 'g',
    count: 0,
    skills: [],
    runtime: 'command',
    model: null,
    costPerHour: null,
    speed: 1,
    slots: 1,
    ...changes,
  };
}

/** Agents of one or more groups, and a way to say how their attempts end. */
class Trial {
  readonly ejections: Ejections<Judged & {record: AgentRecord}>;
  readonly members: (Judged & {record: AgentRecord})[];
  nowMs = 0;

  constructor(counts: readonly number[], groups: readonly AgentGroup[] = counts.map(() => group())) {
    this.ejections = new Ejections({groups, rules: EJECTION_RULES, breakerRules: BREAKER_RULES});
    this.members = counts.flatMap((count, index) =>
      Array.from({length: count}, (_, n) => {
        const breaker: Breaker = CLOSED;
        return {id: agentId(`${index}-${n}`), group: index, record: NOTHING_KNOWN, breaker, trips: 0};
      }),
    );
    for (const member of this.members) this.ejections.join(member);
  }

  at(place: number): Judged & {record: AgentRecord} {
    const member = this.members[place];
    if (!member) throw new Error(`no member ${place}`);
    return member;
  }

  end(place: number, task: string, verdict: Verdict): void {
    this.nowMs += 100;
    const member = this.at(place);
    if (verdict !== 'none') {
      const outcome = {ok: verdict === 'succeeded', durationMs: 1000, usualMs: 1000, usd: null};
      member.record = noteOutcome(member.record, outcome, this.nowMs);
    }
    this.ejections.ended(member, {task, verdict, nowMs: this.nowMs});
  }

  get out(): number[] {
    return this.members.flatMap(({breaker}, place) => (breaker.name === 'closed' ? [] : [place]));
  }
}

describe('who fails', () => {
  it('is left out after five tasks that fail nowhere else, while the others succeed', () => {
    const trial = new Trial([10]);
    for (let n = 0; n < 5; n += 1) {
      expect(trial.out).toEqual([]);
      trial.end(1, `good ${n}`, 'succeeded');
      trial.end(0, `task ${n}`, 'perhaps');
    }
    expect(trial.out).toEqual([0]);
  });

  it('is left out when what it failed at succeeds elsewhere', () => {
    const trial = new Trial([10]);
    for (let n = 0; n < 12; n += 1) {
      trial.end(0, `task ${n}`, 'perhaps');
      trial.end(1 + (n % 9), `task ${n}`, 'succeeded');
      if (n % 4 === 3) trial.end(0, `own ${n}`, 'succeeded');
    }
    expect(trial.out).toEqual([0]);
  });

  it('stays when the plan is at fault: everybody fails, or the same task fails everywhere', () => {
    const trial = new Trial([20]);
    for (let n = 0; n < 400; n += 1) trial.end(n % 20, `broken ${n}`, 'perhaps');
    expect(trial.out).toEqual([]);
    const other = new Trial([20]);
    for (let n = 0; n < 600; n += 1) {
      other.end(n % 20, `good ${n}`, 'succeeded');
      // Half of the tasks are broken, and each is tried by three agents in turn.
      for (let k = 0; k < 3; k += 1) other.end((n * 7 + k * 3) % 20, `broken ${n}`, 'perhaps');
    }
    expect(other.out).toEqual([]);
  });

  it('stays when its attempts were stopped or limited', () => {
    const trial = new Trial([10]);
    for (let n = 0; n < 100; n += 1) {
      trial.end(0, `task ${n}`, 'none');
      trial.end(1, `good ${n}`, 'succeeded');
    }
    expect(trial.out).toEqual([]);
  });

  it('is left out also where others that fail had the same tasks before', () => {
    const trial = new Trial([30]);
    for (let n = 0; n < 40; n += 1) {
      trial.end(0, `task ${n}`, 'perhaps');
      trial.end(1, `task ${n}`, 'perhaps');
      trial.end(2 + (n % 28), `good ${n}`, 'succeeded');
    }
    expect(trial.out).toEqual([0, 1]);
  });

  it('is tried again with one task, which decides', () => {
    const trial = new Trial([10]);
    for (let n = 0; n < 8; n += 1) {
      trial.end(1, `good ${n}`, 'succeeded');
      trial.end(0, `task ${n}`, 'perhaps');
    }
    const due = trial.ejections.nextDueMs();
    expect(due).not.toBeNull();
    expect(trial.ejections.wake((due ?? 0) - 1)).toEqual([]);
    expect(trial.ejections.wake(due ?? 0)).toEqual([trial.at(0)]);
    expect(trial.at(0).breaker.name).toBe('half-open');
    trial.nowMs = due ?? 0;
    trial.ejections.started(trial.at(0), trial.nowMs);
    trial.end(0, 'again', 'perhaps');
    expect(trial.at(0).breaker.name).toBe('open');
    trial.nowMs = trial.ejections.nextDueMs() ?? 0;
    trial.ejections.wake(trial.nowMs);
    trial.ejections.started(trial.at(0), trial.nowMs);
    trial.end(0, 'at last', 'succeeded');
    expect(trial.out).toEqual([]);
  });

  it('is never the last that can do what its group can', () => {
    const skilled = group({skills: ['deploy']});
    const trial = new Trial([1, 30], [skilled, group({skills: ['check']})]);
    const alone = new Trial([1]);
    const covered = new Trial([1, 30], [skilled, group()]);
    for (let n = 0; n < 50; n += 1) {
      for (const one of [trial, covered]) one.end(1 + (n % 30), `good ${n}`, 'succeeded');
      for (const one of [trial, alone, covered]) one.end(0, `task ${n}`, 'perhaps');
    }
    expect([trial.out, alone.out, covered.out]).toEqual([[], [], [0]]);
  });

  it('is never more than a tenth of all, one at least, whatever happens', () => {
    const step = fc.tuple(fc.nat(24), fc.constantFrom<Verdict>('succeeded', 'perhaps', 'none'), fc.nat(60));
    fc.assert(
      fc.property(fc.integer({min: 1, max: 25}), fc.array(step, {maxLength: 400}), (count, steps) => {
        const trial = new Trial([count]);
        for (const [who, verdict, task] of steps) {
          const bad = who % count < count / 2 && verdict === 'succeeded' && task > 10;
          trial.end(who % count, `task ${task}`, bad ? 'perhaps' : verdict);
          trial.ejections.wake(trial.nowMs);
          expect(trial.out.length).toBeLessThanOrEqual(count === 1 ? 0 : mostEjected(count, EJECTION_RULES));
          expect(trial.ejections.ejected.size).toBe(trial.out.length);
        }
      }),
      {numRuns: 60},
    );
  });
});

it('groups cover those whose work they can do', () => {
  const groups = [
    group({skills: ['a']}),
    group({skills: ['a', 'b']}),
    group(),
    group({skills: ['a'], runtime: 'claude'}),
  ];
  expect(coverOf(groups)).toEqual([[0, 1, 2, 3], [1, 2], [2], [3]]);
});

describe('the rules of a team', () => {
  it('are as they always were where nobody has said otherwise', () => {
    expect(rulesOf(DEFAULT_EJECTION)).toEqual({breaker: BREAKER_RULES, ejection: EJECTION_RULES});
  });

  /** Has the agents at these places fail alone at one task after the other. */
  function fail(trial: Trial, {places, times}: {places: readonly number[]; times: number}): void {
    for (let n = 0; n < times; n += 1) {
      for (const place of places) {
        trial.end(place, `${place}-${n}`, 'perhaps');
        trial.end(9, `${place}-${n}`, 'succeeded');
      }
    }
  }

  it('say after how many failures, for how long, and how many of them are left out', () => {
    const trial = new Trial([10]);
    trial.ejections.use(rulesOf({failures: 2, timeMs: 700, share: 0.2, intervalMs: 400}));
    fail(trial, {places: [0], times: 1});
    expect(trial.out).toEqual([]);
    fail(trial, {places: [0], times: 1});
    expect(trial.out).toEqual([0]);
    expect(trial.at(0).breaker).toEqual({name: 'open', untilMs: trial.nowMs + 700, trips: 1});
    fail(trial, {places: [1, 2], times: 2});
    expect(trial.out).toEqual([0, 1]);
  });

  it('have those looked at again at their interval for whom there was no room', () => {
    const outAt = (intervalMs: number) => {
      const trial = new Trial([10]);
      trial.ejections.use(rulesOf({failures: 2, timeMs: 60_000, share: 0.1, intervalMs}));
      fail(trial, {places: [0, 1], times: 2});
      expect(trial.out).toEqual([0]);
      trial.ejections.wake(trial.nowMs);
      trial.ejections.leave(trial.at(0));
      const since = trial.nowMs;
      while (trial.at(1).breaker.name === 'closed') {
        trial.nowMs += 100;
        trial.ejections.wake(trial.nowMs);
      }
      return trial.nowMs - since;
    };
    expect([outAt(500), outAt(3000)]).toEqual([500, 3000]);
  });

  it('leave nobody out where the share is 0', () => {
    const trial = new Trial([10]);
    trial.ejections.use(rulesOf({...DEFAULT_EJECTION, share: 0}));
    fail(trial, {places: [0], times: 50});
    expect(trial.out).toEqual([]);
  });
});
