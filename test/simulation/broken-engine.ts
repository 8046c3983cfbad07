import type {Input, Step} from '../../src/federation/engine-io.ts';
import type {TaskStanding} from '../../src/federation/task-obstacles.ts';
import type {AttemptId, HostId} from '../../src/model/ids.ts';
import type {EngineRecord, StoredState} from '../../src/model/record.ts';
import type {TaskSpec} from '../../src/model/task.ts';
import type {TeamSpec} from '../../src/model/team.ts';
import type {TeamView} from '../../src/model/team-view.ts';
import type {EngineFactory} from '../../src/simulation/engine-under-test.ts';
import {realEngine} from '../../src/simulation/run-seed.ts';

/** Where a broken variant puts its hand between the engine and the rest of the world. */
export interface Break {
  readonly stored?: (stored: StoredState) => StoredState;
  readonly input?: (input: Input, leases: Leases) => Input;
  readonly step?: (step: Step, input: Input | null) => Step;
  readonly view?: (view: TeamView) => TeamView;
  readonly standing?: (standing: TaskStanding) => TaskStanding;
  readonly deadline?: (atMs: number | null) => number | null;
}

/** What the engine has leased in this life: enough to confuse one attempt with another. */
export class Leases {
  readonly #task = new Map<AttemptId, string>();
  readonly #open = new Map<string, {readonly attempt: AttemptId; readonly hostId: HostId}>();

  read(records: readonly EngineRecord[]): void {
    for (const record of records) {
      if (record.kind === 'attempt-leased') {
        const task = `${record.teamId}/${record.task}`;
        this.#task.set(record.id, task);
        this.#open.set(task, {attempt: record.id, hostId: record.hostId});
      } else if (record.kind === 'attempt-ended') {
        const task = this.#task.get(record.id) ?? '';
        if (this.#open.get(task)?.attempt === record.id) this.#open.delete(task);
      }
    }
  }

  /** The attempt with its host, while it is open. */
  open(attempt: AttemptId): {readonly attempt: AttemptId; readonly hostId: HostId} | undefined {
    const current = this.successor(attempt);
    return current?.attempt === attempt ? current : undefined;
  }

  /** The open attempt of the task that this attempt was one of. */
  successor(attempt: AttemptId): {readonly attempt: AttemptId; readonly hostId: HostId} | undefined {
    return this.#open.get(this.#task.get(attempt) ?? '');
  }
}

/** The real engine with a defect. `broken` is called once per life, so that a defect may have a memory of its own. */
export function brokenEngine(seed: number, broken: () => Break): EngineFactory {
  const make = realEngine(seed);
  return (stored, now) => {
    const defect = broken();
    const leases = new Leases();
    const {engine, step: first} = make(defect.stored?.(stored) ?? stored, now);
    const pass = (step: Step, input: Input | null) => {
      leases.read(step.records);
      return defect.step?.(step, input) ?? step;
    };
    return {
      step: pass(first, null),
      engine: {
        handle: (input, at) => pass(engine.handle(defect.input?.(input, leases) ?? input, at), input),
        nextDeadlineMs: () => {
          const atMs = engine.nextDeadlineMs();
          return defect.deadline ? defect.deadline(atMs) : atMs;
        },
        agents: (id, options) => engine.agents(id, options),
        view: (id, options) => {
          const view = engine.view(id, options);
          return view && (defect.view?.(view) ?? view);
        },
        standing: (id, task) => {
          const standing = engine.standing(id, task);
          return standing && (defect.standing?.(standing) ?? standing);
        },
      },
    };
  };
}

/** The engine works by another spec than the one that is recorded: the way to make it ignore a part of the plan. */
export function misreads(change: (spec: TeamSpec) => TeamSpec): () => Break {
  const asked = new Map<string, TeamSpec>();
  return () => ({
    input: input => {
      if (input.type !== 'spawn-team') return input;
      asked.set(input.spec.cwd, input.spec);
      return {...input, spec: change(input.spec)};
    },
    step: ({records, effects}) => ({
      records: records.map(record => {
        const spec = record.kind === 'team-created' ? asked.get(record.spec.cwd) : undefined;
        return record.kind === 'team-created' && spec ? {...record, spec: {...spec, name: record.spec.name}} : record;
      }),
      effects,
    }),
    stored: stored => ({...stored, teams: stored.teams.map(team => ({...team, spec: change(team.spec)}))}),
  });
}

export function misreadsTasks(change: (task: TaskSpec) => TaskSpec): () => Break {
  return misreads(spec => ({...spec, plan: spec.plan && {...spec.plan, tasks: spec.plan.tasks.map(change)}}));
}
