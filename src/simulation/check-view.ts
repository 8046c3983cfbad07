import type {StateRecord} from '../model/record.ts';
import {isTerminal} from '../model/task.ts';
import {isFinal} from '../model/team.ts';
import type {TaskCounts, TeamView} from '../model/team-view.ts';
import type {LedgerAttempt, LedgerTeam} from './ledger-entries.ts';
import {countedTasks, hasTrouble} from './oracle.ts';
import type {SimulatedMachine} from './simulated-machine.ts';
import {hold} from './violation.ts';

/** What people are shown agrees with what is recorded. */
export function checkView(team: LedgerTeam, view: TeamView | null): void {
  hold('every team can be looked at', view !== null, () => team.spec.name);
  const counted = countedTasks(team);
  const shown = summed(view.tasks);
  const recorded = {
    total: counted.length,
    unstarted: 0,
    running: 0,
    landing: 0,
    succeeded: 0,
    failed: 0,
    skipped: 0,
    cancelled: 0,
  };
  for (const {state, open} of counted) {
    const {name} = state;
    if (open) recorded.running += 1;
    else if (name === 'succeeded' || name === 'failed' || name === 'skipped' || name === 'cancelled')
      recorded[name] += 1;
    else if (name === 'reviewing' || name === 'merging') recorded.landing += 1;
    else recorded.unstarted += 1;
  }
  hold('the view agrees with the records', JSON.stringify(shown) === JSON.stringify(recorded), () => {
    return `${team.spec.name}: shown ${JSON.stringify(shown)}, recorded ${JSON.stringify(recorded)}`;
  });
  const attempts = team.tasks.reduce((sum, task) => sum + task.earlier.length + task.attempts.length, 0);
  hold('the view counts all attempts', view.attempts === attempts, () => `${view.attempts} of ${attempts}`);
  hold('the view has the state of the team', view.state === team.state, () => `${view.state}, not ${team.state}`);
  hold('the view shows what runs', isFinal(team.state) || view.running.length === openIn(team).length, () => {
    return `${view.running.length} of ${openIn(team).length}`;
  });
  const {requested, ready, starting, failed, busy, suspect = 0, paused = 0} = view.agents;
  const standing = ready + starting + failed + suspect + paused;
  hold('the view counts every agent', isFinal(team.state) || standing === requested, () => {
    return JSON.stringify(view.agents);
  });
  checkBudget(team, view);
  const working = new Set(openIn(team).map(({agentId}) => agentId)).size;
  hold('the view counts busy agents', busy === working, () => `${busy} busy, ${working} at work`);
}

function openIn({tasks}: LedgerTeam): readonly LedgerAttempt[] {
  return tasks.flatMap(({open, twin, outrun}) => [open, twin, outrun].filter(attempt => attempt !== null));
}

function checkBudget({spec, budget: limit, used, reserved}: LedgerTeam, {budget, state}: TeamView): void {
  const shown = budget ?? {
    usedUsd: 0,
    usedTokens: 0,
    reservedUsd: 0,
    reservedTokens: 0,
    limitUsd: null,
    limitTokens: null,
  };
  const {usd = null, tokens = null, perHour = null} = limit ?? {};
  hold('the view has what an hour may cost', (budget?.hour?.limitUsd ?? null) === perHour, () => spec.name);
  hold('the view has the budget', shown.limitUsd === usd && shown.limitTokens === tokens, () => spec.name);
  const agrees = (a: number, b: number) => Math.abs(a - b) < 1e-6;
  const same =
    (usd === null || (agrees(shown.usedUsd, used.usd) && agrees(shown.reservedUsd, reserved.usd))) &&
    (tokens === null || (agrees(shown.usedTokens, used.tokens) && agrees(shown.reservedTokens, reserved.tokens)));
  hold('the view shows what is used and reserved', same, () => {
    return `${spec.name} (${state}): ${JSON.stringify(budget)}, not ${JSON.stringify({used, reserved})}`;
  });
}

/** The one chance to say that a team is over, and how. */
export function checkTeamOver(
  team: LedgerTeam,
  record: Extract<StateRecord, {kind: 'team-finished'}>,
  machine: SimulatedMachine,
): void {
  const unfinished = team.tasks.find(task => !isTerminal(task.state.name));
  hold('a team is over when all its tasks are', !unfinished, () => `${unfinished?.id} is ${unfinished?.state.name}`);
  const [open] = openIn(team);
  hold('a team that is over leases nothing', !open, () => `${open?.task.id} has attempt ${open?.id}`);
  const tree = machine.liveOf(team.id)[0];
  hold('a team that is over has no process', !tree, () => `attempt ${tree?.attempt}`);
  const expected =
    team.ending === 'user' ? 'killed' : team.ending !== null || hasTrouble(team) ? 'failed' : 'succeeded';
  hold('a team ends as its tasks did', record.state === expected, () => `${record.state}, not ${expected}`);
  checkView(team, record.view);
}

function summed({total, waiting, ready, running, verifying, ...over}: TaskCounts) {
  const {reviewing, merging, succeeded, failed, skipped, cancelled} = over;
  const landing = reviewing + merging;
  return {
    total,
    unstarted: waiting + ready,
    running: running + verifying,
    landing,
    succeeded,
    failed,
    skipped,
    cancelled,
  };
}
