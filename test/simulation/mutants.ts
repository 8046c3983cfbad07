import type {Input, Step} from '../../src/federation/engine-io.ts';
import {attemptId} from '../../src/model/ids.ts';
import type {EngineRecord} from '../../src/model/record.ts';
import {isTerminal} from '../../src/model/task.ts';
import type {Faults} from '../../src/simulation/faults.ts';
import type {SeedOptions} from '../../src/simulation/run-seed.ts';
import {type Break, brokenEngine, misreads, misreadsTasks} from './broken-engine.ts';

export interface Mutant {
  /** What it does wrong. */
  readonly name: string;
  readonly options: (seed: number) => SeedOptions;
}

type Assign = Extract<Step['effects'][number], {type: 'assign'}>;

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
  engine('shows one success too many', () => ({
    view: view => ({...view, tasks: {...view.tasks, succeeded: view.tasks.succeeded + 1}}),
  })),
];

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
