import type {ExitKind} from '../model/exit-code.ts';
import type {TeamState} from '../model/team.ts';
import type {FailureView, TeamOutcome, TeamView} from '../model/team-view.ts';
import type {Usage} from '../model/usage.ts';

/** What `team spawn`, `team wait` and `team kill` say about a team with `--json`. */
export interface TeamResult {
  readonly v: 1;
  readonly team: string;
  readonly state: TeamState;
  readonly agents: {readonly requested: number; readonly ready: number; readonly failed: number};
  readonly tasks: {
    readonly total: number;
    readonly succeeded: number;
    readonly failed: number;
    readonly skipped: number;
    readonly cancelled: number;
  };
  readonly attempts: number;
  readonly durationMs: number;
  readonly usage: Usage;
  readonly failures: readonly FailureView[];
}

export function teamResult(view: TeamView): TeamResult {
  const {requested, ready, failed} = view.agents;
  const {total, succeeded, failed: failedTasks, skipped, cancelled} = view.tasks;
  return {
    v: 1,
    team: view.team,
    state: view.state,
    agents: {requested, ready, failed},
    tasks: {total, succeeded, failed: failedTasks, skipped, cancelled},
    attempts: view.attempts,
    durationMs: Math.round(view.durationMs),
    usage: view.usage,
    failures: view.failures,
  };
}

const KINDS: Readonly<Record<TeamOutcome, ExitKind>> = {
  ok: 'ok',
  'tasks-failed': 'tasks',
  'timed-out': 'timeout',
  killed: 'tasks',
  budget: 'budget',
  quota: 'quota',
};

/** How a process that waited for the team ends. A team that is not over has done nothing wrong yet. */
export function exitKindOfTeam({outcome}: TeamView): ExitKind {
  return outcome === null ? 'ok' : KINDS[outcome];
}
