import type {Input, Step} from '../../src/federation/engine-io.ts';
import {NO_TOTALS} from '../../src/model/attempt-totals.ts';
import {type AttemptId, attemptId, type HostId} from '../../src/model/ids.ts';
import type {EngineRecord} from '../../src/model/record.ts';
import {isTerminal} from '../../src/model/task.ts';
import type {Work} from '../../src/model/work.ts';
import type {Faults} from '../../src/simulation/faults.ts';
import {realEngine, type SeedOptions} from '../../src/simulation/run-seed.ts';
import {type Break, brokenEngine, misreads, misreadsTasks} from './broken-engine.ts';

export interface Mutant {
  /** What it does wrong. */
  readonly name: string;
  readonly options: (seed: number) => SeedOptions;
}

type Assign = Extract<Step['effects'][number], {type: 'assign'}>;

/** Teams that become larger and smaller, while little else goes wrong. */
const SCALING: Partial<Faults> = {scaling: 1, userMeddles: 0, daemonCrash: 0.02};

/** Connections that break while much is waiting to be handled. */
const BAD_LINE: Partial<Faults> = {linkBreakPerS: 0.8, daemonPausePerS: 0.5, hostCrashPerS: 0, daemonCrash: 0};

/** Deliberately broken variants of the engine and of the daemon around it. Each must be noticed by the simulation. */
export const MUTANTS: readonly Mutant[] = [
  engine('takes a stale report for news of the current attempt', () => ({
    input: (input, leases) => {
      const current = input.type === 'attempt-finished' ? leases.successor(input.attempt) : undefined;
      return input.type === 'attempt-finished' && current ? {...input, ...current} : input;
    },
  })),
  daemon('acts before it has recorded', {effectsBeforeCommit: true}),
  daemon('acknowledges before it has recorded', {acknowledgesBeforeCommit: true}),
  daemon('acknowledges what it never commits', {forgetsCommit: 0.02}),
  daemon('has a disk that forgets the newest commit in a crash', {losesCommit: 1}),
  daemon('believes strays to be gone without looking', {reapsNothing: true}),
  daemon('sends what was meant for one connection over the next', {mixesConnections: true}, BAD_LINE),
  engine('records the end of a task twice', () => ({
    step: records(record => (isEnd(record) ? [record, record] : [record])),
  })),
  engine(
    'starts tasks before what they need',
    misreadsTasks(task => (task.foreach ? task : {...task, needs: []})),
  ),
  engine('leaks the lease of a finished attempt', () => ({
    step: records(record => (record.kind === 'attempt-ended' ? [] : [record])),
  })),
  engine(
    'loses a retry',
    misreadsTasks(task => ({...task, retries: Math.max(0, task.retries - 1)})),
  ),
  engine(
    'tries once too often',
    misreadsTasks(task => ({...task, retries: task.retries + 1})),
  ),
  engine('takes lost attempts off the retries', () => ({
    step: records(record => {
      if (record.kind !== 'task-state' || record.losses === 0) return [record];
      return [{...record, failures: record.failures + record.losses, losses: 0}];
    }),
  })),
  engine('forgets open attempts in a restart', () => ({
    stored: stored => ({
      ...stored,
      teams: stored.teams.map(team => ({
        ...team,
        openAttempts: [],
        tasks: team.tasks.map(task => (task.state.name === 'running' ? {...task, state: {name: 'waiting'}} : task)),
      })),
    }),
  })),
  engine('uses a fencing token again after a restart', () => ({
    stored: stored => ({...stored, nextAttemptId: attemptId(Math.max(1, stored.nextAttemptId - 1))}),
  })),
  engine(
    'forgets in a restart that a team is being ended',
    () => ({
      stored: stored => ({
        ...stored,
        teams: stored.teams.map(team => (team.state === 'draining' ? {...team, state: 'running', ending: null} : team)),
      }),
    }),
    // Teams are ended in a moment; it takes some luck to die in it.
    {userKill: 1, daemonCrash: 0.3, ignoresTerm: 1},
  ),
  engine('assigns again what a reconnecting host holds', () => assignsAgain()),
  engine('gives two attempts to one agent', () => ({step: doubleBooked})),
  engine(
    'ignores max-parallel',
    misreadsTasks(task => (task.maxParallel === undefined ? task : {...task, maxParallel: 1000})),
  ),
  engine('ignores permits', () => ({
    input: input => (input.type === 'permits' ? {...input, permits: input.permits + 1} : input),
  })),
  engine(
    'ignores priorities',
    misreadsTasks(task => ({...task, priority: 0})),
  ),
  engine(
    'runs on failure() as if it were always()',
    misreadsTasks(task => (task.condition === 'failure' ? {...task, condition: 'always'} : task)),
  ),
  engine('says of nothing what it waits for', () => ({standing: standing => ({...standing, obstacles: []})})),
  engine('does not count in its view what waits', () => ({view: view => ({...view, waiting: view.waiting.slice(1)})})),
  engine('lets what has lost its race run on', () => ({
    step: effects(effect => effect.type !== 'stop-attempts' || effect.by !== 'lost-race'),
  })),
  engine(
    'starts a second attempt of what may not run twice',
    misreadsTasks(task => ({...task, idempotent: true})),
  ),
  engine('records the success of both of two attempts', () => bothSucceed()),
  engine(
    'ignores fail-fast',
    misreads(spec => ({...spec, failFast: false})),
  ),
  engine(
    'ignores max-failures',
    misreads(spec => ({...spec, maxFailures: null})),
  ),
  engine(
    'ends teams before their time is over',
    misreads(spec => ({...spec, timeoutMs: spec.timeoutMs && spec.timeoutMs / 2})),
  ),
  engine('stops nothing when a team is ended', () => ({step: effects(effect => effect.type !== 'stop-attempts')})),
  engine('closes no team', () => ({step: effects(effect => effect.type !== 'close-team')})),
  engine('loses the last item of a fan-out', () => ({
    input: input => {
      if (input.type !== 'output-read' || !input.output.ok || !Array.isArray(input.output.value)) return input;
      return {...input, output: {ok: true, value: input.output.value.slice(0, -1)}};
    },
  })),
  engine('takes a failure for a success', () => ({
    input: input => {
      if (input.type !== 'attempt-finished' || input.outcome.result.ok) return input;
      return {...input, outcome: {...input.outcome, result: {ok: true}}};
    },
  })),
  engine('believes a host about the attempts of another', () => ({
    input: (input, leases) => {
      const current = input.type === 'attempt-finished' ? leases.open(input.attempt) : undefined;
      return input.type === 'attempt-finished' && current ? {...input, ...current} : input;
    },
  })),
  engine('answers twice', () => ({
    step: ({records, effects}) => ({
      records,
      effects: effects.flatMap((effect): Step['effects'] => (effect.type === 'answer' ? [effect, effect] : [effect])),
    }),
  })),
  engine('never hears that a host is gone', () => ({
    input: (input): Input => (input.type === 'host-gone' ? {type: 'tick'} : input),
  })),
  engine('asks for no timer', () => ({deadline: () => null})),
  engine('forgets to tell of tasks that failed', () => ({
    step: records(record => (record.kind === 'event' && record.event.body.type === 'task-failed' ? [] : [record])),
  })),
  engine('concludes a task before its change is merged', () => ({
    step: records(record => {
      if (record.kind !== 'task-state' || record.state.name !== 'merging') return [record];
      const {attempt} = record.state;
      return [{...record, state: {name: 'succeeded'}}, succeeded(record, attempt)];
    }),
  })),
  engine(
    'merges what no reviewer has approved',
    misreadsTasks(task => without(task, 'reviews')),
  ),
  engine('takes a rejection for an approval', () => ({
    input: input => {
      const verdict = input.type === 'attempt-finished' ? input.outcome.verdict : undefined;
      if (input.type !== 'attempt-finished' || !verdict) return input;
      return {...input, outcome: {...input.outcome, verdict: {...verdict, approved: true}}};
    },
    // What is recorded is what was said: only what follows from it is wrong.
    step: asSaid(),
  })),
  engine(
    'sends a task back once too often',
    misreadsTasks(task => (task.review ? {...task, review: {rounds: task.review.rounds + 1}} : task)),
    {reviewRejects: 0.9, taskFailure: 0, slowTask: 0},
  ),
  engine('takes the limits of a provider off the retries', () => ({
    step: records(record => {
      const limited = record.kind === 'task-state' ? (record.memo?.limited ?? 0) : 0;
      return record.kind === 'task-state' && limited > 0
        ? [{...record, failures: record.failures + limited}]
        : [record];
    }),
  })),
  engine('forgets in a restart what is being merged', () => ({
    step: (step, input) => (input === null ? effects(effect => effect.type !== 'merge')(step) : step),
  })),
  engine('takes a conflict for a merge', () => ({
    input: input => {
      if (input.type !== 'merge-ended' || input.result.kind !== 'conflict') return input;
      return {...input, result: {kind: 'merged', tip: input.result.tip}};
    },
  })),
  engine('merges other work than was reviewed', () => ({step: mergesEarlierWork()})),
  mutant('brings conflicts together for ever', seed => ({
    makeEngine: realEngine(seed, {maxConflicts: 1000}),
    faults: {mergeConflict: 0.9, gitTrouble: 0, mergeBreaks: 0},
  })),
  engine('ignores the gates of providers', () => ({
    input: input => (input.type === 'permits' ? {...input, gates: []} : input),
  })),
  engine('ignores memory', () => ({
    input: input => {
      if (input.type !== 'permits') return input;
      const {type, permits, why, gates = []} = input;
      return {type, permits, why, gates};
    },
  })),
  engine(
    'reserves nothing from the budget',
    misreads(spec => {
      if (!spec.budget) return spec;
      const {usd, tokens} = spec.budget;
      return {...spec, budget: {usd: usd && 1e6, tokens: tokens && 1e12}};
    }),
  ),
  engine('forgets in a restart what has been used of the budget', () => ({
    stored: stored => ({
      ...stored,
      teams: stored.teams.map(team => {
        const {attempts, busyMs} = team.totals;
        return {...team, totals: {...NO_TOTALS, attempts, busyMs}};
      }),
    }),
  })),
  engine(
    'gives work to agents without the skill',
    misreads(spec => (spec.groups ? {...spec, groups: spec.groups.map(some => ({...some, skills: []}))} : spec)),
  ),
  engine(
    'gives prompts to any coding agent',
    misreadsTasks(task => {
      return task.prompt === undefined ? task : without(task, 'runtime');
    }),
  ),
  engine(
    'has no preferences',
    misreadsTasks(task => ({...task, prefer: []})),
  ),
  engine(
    'gives an agent more attempts than slots',
    misreads(spec =>
      spec.groups ? {...spec, groups: spec.groups.map(more => ({...more, slots: more.slots + 1}))} : spec,
    ),
  ),
  engine(
    'never escalates',
    misreads(spec => {
      return spec.plan ? {...spec, plan: without(spec.plan, 'escalate')} : spec;
    }),
  ),
  engine('resumes another session', () => ({
    step: assignments(assignment => {
      const session = assignment.memo?.session;
      return session
        ? {...assignment, memo: {...assignment.memo, session: {...session, session: 'other'}}}
        : assignment;
    }),
  })),
  engine('forgets sessions in a restart', () => ({
    stored: stored => ({
      ...stored,
      teams: stored.teams.map(team => ({
        ...team,
        openAttempts: team.openAttempts.map(open => without(open, 'session')),
        tasks: team.tasks.map(({memo, ...task}) => (memo ? {...task, memo: without(memo, 'session')} : task)),
      })),
    }),
  })),
  engine('does not say what was wrong', () => ({
    step: assignments(assignment => {
      return assignment.memo ? {...assignment, memo: without(assignment.memo, 'feedback')} : assignment;
    }),
  })),
  engine('gives work to agents that are said to be paused', () => ({
    step: records(record => {
      if (record.kind !== 'agents') return [record];
      const agents = record.agents.map(agent =>
        agent.standing === 'present' ? {...agent, standing: 'paused' as const} : agent,
      );
      return [{...record, agents}];
    }),
  })),
  engine('forgets in a restart who has left', () => ({
    stored: stored => ({...stored, teams: stored.teams.map(team => ({...team, agents: []}))}),
  })),
  engine(
    'uses the numbers of agents again after a restart',
    () => ({
      stored: stored => ({
        ...stored,
        teams: stored.teams.map(team => ({...team, agents: team.agents.filter(({standing}) => standing !== 'gone')})),
      }),
    }),
    SCALING,
  ),
  engine(
    'scales beyond its maximum',
    misreads(spec => (spec.autoscale ? {...spec, autoscale: {...spec.autoscale, max: spec.autoscale.max + 3}} : spec)),
    SCALING,
  ),
  engine(
    'scales below its minimum',
    misreads(spec => (spec.autoscale ? {...spec, autoscale: {...spec.autoscale, min: 0}} : spec)),
    SCALING,
  ),
  engine('stops what those do who are to leave', () => ({step: stopsLeavers()}), SCALING),
  engine(
    'lets those go who are the last that can do a task',
    misreadsTasks(task => (task.skills ? {...task, skills: []} : task)),
    SCALING,
  ),
  engine('runs again what has succeeded when a team is taken up again', () => ({
    input: input => {
      if (input.type !== 'retry-team' || !input.stored) return input;
      const state = {name: 'failed', failure: {reason: 'no-change'}} as const;
      const tasks = input.stored.tasks.map(task => (task.state.name === 'succeeded' ? {...task, state} : task));
      return {...input, stored: {...input.stored, tasks}};
    },
  })),
  engine('holds nothing when a team is paused', () => ({step: effects(effect => effect.type !== 'pause-attempts')})),
  engine(
    'forgets in a restart that a team is paused',
    () => ({
      stored: stored => ({
        ...stored,
        teams: stored.teams.map(team => {
          return team.settings ? {...team, settings: {...team.settings, paused: false}} : team;
        }),
      }),
    }),
    {userMeddles: 1, daemonCrash: 0.2},
  ),
  engine('does not hear signs of life', () => ({
    input: input => (input.type === 'vitals' ? {type: 'tick'} : input),
  })),
  engine('takes what works for silent', () => ({
    input: input => {
      if (input.type !== 'vitals') return input;
      return {
        ...input,
        vitals: input.vitals.map(said => ({...said, silentMs: said.silentMs + 3_600_000, cpuMs: null})),
      };
    },
  })),
  engine(
    'takes every host for stopped',
    () => ({
      input: input => (input.type === 'host-probed' ? {...input, probe: {state: 'stopped', cpuMs: null}} : input),
    }),
    {linkBreakPerS: 0, hostHangPerS: 0},
  ),
  engine('ignores breakers', () => ({
    input: input => (input.type === 'breaker' ? {type: 'tick'} : input),
  })),
  engine(
    'ignores what an hour may cost',
    misreads(spec => {
      const {budget} = spec;
      return budget?.perHour ? {...spec, budget: {...budget, perHour: 1e6}} : spec;
    }),
  ),
  engine(
    'takes work away with an agent that is only to leave',
    () => ({
      input: input => (input.type === 'agent-order' && input.what === 'drain' ? {...input, what: 'kill'} : input),
    }),
    {userMeddles: 1},
  ),
  engine('shows one success too many', () => ({
    view: view => ({...view, tasks: {...view.tasks, succeeded: view.tasks.succeeded + 1}}),
  })),
];

/** `key` is an optional property. */
function without<T extends object>(value: T, key: keyof T): T {
  // What is left is still a T, as the property need not be there.
  return Object.fromEntries(Object.entries(value).filter(([name]) => name !== key)) as T;
}

function mutant(name: string, options: Mutant['options']): Mutant {
  return {name, options};
}

function engine(name: string, broken: () => Break, faults: Partial<Faults> = {}): Mutant {
  return {name, options: seed => ({makeEngine: brokenEngine(seed, broken), faults})};
}

function daemon(name: string, habits: NonNullable<SeedOptions['habits']>, faults: Partial<Faults> = {}): Mutant {
  return {name, options: () => ({habits, faults})};
}

function records(change: (record: EngineRecord) => EngineRecord[]): (step: Step) => Step {
  return step => ({...step, records: step.records.flatMap(change)});
}

function effects(keep: (effect: Step['effects'][number]) => boolean): (step: Step) => Step {
  return step => ({...step, effects: step.effects.filter(keep)});
}

function isEnd(record: EngineRecord): boolean {
  return record.kind === 'task-state' && isTerminal(record.state.name);
}

function assignsAgain(): Break {
  const orders = new Map<number, Assign>();
  return {
    step: (step, input) => {
      for (const effect of step.effects) if (effect.type === 'assign') orders.set(effect.assignment.attempt, effect);
      if (input?.type !== 'host-connected') return step;
      return {...step, effects: [...step.effects, ...input.holds.flatMap(id => orders.get(id) ?? [])]};
    },
  };
}

/** The second of two leases of one step goes to the agent of the first. */
function doubleBooked(step: Step): Step {
  const leases = step.records.filter(record => record.kind === 'attempt-leased');
  const [first, second] = leases;
  if (!first || second?.teamId !== first.teamId) return step;
  return {
    records: step.records.map(record => (record === second ? {...second, agentId: first.agentId} : record)),
    effects: step.effects.map(effect => {
      if (effect.type !== 'assign' || effect.assignment.attempt !== second.id) return effect;
      return {...effect, assignment: {...effect.assignment, agentId: first.agentId}};
    }),
  };
}

function assignments(change: (assignment: Assign['assignment']) => Assign['assignment']): (step: Step) => Step {
  return step => ({
    ...step,
    effects: step.effects.map(effect => {
      return effect.type === 'assign' ? {...effect, assignment: change(effect.assignment)} : effect;
    }),
  });
}

function succeeded(
  {teamId, seq}: Extract<EngineRecord, {kind: 'task-state'}>,
  attempt: AttemptId,
): Extract<EngineRecord, {kind: 'event'}> {
  const body = {type: 'task-succeeded', task: `t${seq}`, attempt, durationMs: null} as const;
  return {kind: 'event', event: {teamId, atMs: 0, body}};
}

/** Records the outcome that a host has told, whatever the engine was made to believe. */
function asSaid(): NonNullable<Break['step']> {
  return ({records: all, effects: rest}, input) => ({
    records: all.map(record => {
      const isIt = input?.type === 'attempt-finished' && record.kind === 'attempt-ended' && record.id === input.attempt;
      return isIt && record.outcome ? {...record, outcome: input.outcome} : record;
    }),
    effects: rest,
  });
}

/** Each task's first work is what is merged of it, however often it was sent back. */
function mergesEarlierWork(): (step: Step) => Step {
  const first = new Map<string, Work>();
  return step => {
    for (const record of step.records) {
      if (record.kind !== 'task-state' || record.state.name !== 'reviewing') continue;
      const task = `${record.teamId}/${record.seq}`;
      if (!first.has(task)) first.set(task, record.state.work);
    }
    return {
      ...step,
      effects: step.effects.map(effect => {
        if (effect.type !== 'merge') return effect;
        const {request} = effect;
        return {...effect, request: {...request, work: first.get(`${request.teamId}/${request.task}`) ?? request.work}};
      }),
    };
  };
}

/** What has lost is recorded as it was said, and not as what has come of it. */
function bothSucceed(): Break {
  return {
    step: ({records: all, effects: rest}) => ({
      records: all.map(record => {
        if (record.kind !== 'attempt-ended' || record.outcome?.result.ok !== false) return record;
        const {failure} = record.outcome.result;
        const hasLost = failure.reason === 'stopped' && failure.by === 'lost-race';
        return hasLost ? {...record, outcome: {...record.outcome, result: {ok: true}}} : record;
      }),
      effects: rest,
    }),
  };
}

/** Whoever is to leave is made to stop what it has. */
function stopsLeavers(): NonNullable<Break['step']> {
  const open = new Map<AttemptId, {readonly agentId: string; readonly hostId: HostId}>();
  return step => {
    const stops: Step['effects'] = [];
    for (const record of step.records) {
      if (record.kind === 'attempt-leased') open.set(record.id, record);
      if (record.kind === 'attempt-ended') open.delete(record.id);
      if (record.kind !== 'agents') continue;
      for (const {id, standing} of record.agents) {
        for (const [attempt, {agentId, hostId}] of open) {
          if (agentId !== id || standing !== 'draining') continue;
          stops.push({type: 'stop-attempts', hostId, attempts: [attempt], by: 'agent-killed'});
        }
      }
    }
    return {...step, effects: [...step.effects, ...stops]};
  };
}
