import type {Input} from '../federation/engine-io.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {TeamId} from '../model/ids.ts';
import type {StateRecord} from '../model/record.ts';
import type {TeamSpec} from '../model/team.ts';
import type {DaemonLife} from './daemon-life.ts';
import {livingOf} from './ledger-entries.ts';
import {isReady} from './oracle.ts';
import type {Surroundings} from './surroundings.ts';
import {hold} from './violation.ts';
import {isSurelyPaid, mayDo} from './who-does-it.ts';

export interface RecordFacts {
  readonly around: Surroundings;
  readonly life: DaemonLife;
  /** What the engine was given; null: the state of a store. */
  readonly input: Input | null;
}

/** To be called before the ledger has it. */
export function checkRecord(record: StateRecord, facts: RecordFacts): void {
  const {input} = facts;
  switch (record.kind) {
    case 'team-created':
      if (input?.type === 'spawn-team') checkSpec(input.spec, record.spec);
      return;
    case 'team-state':
      if (record.ending === 'team-timeout') checkTimeout(record.id, facts);
      return checkEnding(record, facts);
    case 'attempt-session': {
      const isTold = input?.type === 'attempt-session' && input.attempt === record.id;
      const same = isTold && JSON.stringify(input.session) === JSON.stringify(record.session);
      return hold('a session is recorded as it was told', same, () => `attempt ${record.id}`);
    }
    case 'attempt-ended':
      return checkEnd(record, facts);
    default:
      return;
  }
}

function checkSpec(asked: TeamSpec, created: TeamSpec): void {
  const same = JSON.stringify({...created, name: asked.name}) === JSON.stringify(asked);
  hold('a team is recorded as it was asked for', same, () => asked.name);
}

/** Never early, whatever the wall clock says and however often the daemon was started. */
function checkTimeout(id: TeamId, {around}: RecordFacts): void {
  const {spec, clock} = around.ledger.team(id);
  const {timeoutMs} = spec;
  hold('only a team with a timeout times out', timeoutMs !== null, () => `team ${id}`);
  const {usedMs, sinceMs} = clock;
  const elapsedMs = usedMs + (sinceMs === null ? 0 : around.now().monoMs - sinceMs);
  hold('a team times out when its time is over', elapsedMs >= timeoutMs - 1, () => {
    return `team ${id} after ${elapsedMs} of ${timeoutMs} ms`;
  });
}

/** A team is given up only when nothing of it runs and nobody who still works could be paid for what is ready. */
function checkEnding({id, ending}: Extract<StateRecord, {kind: 'team-state'}>, {around, life}: RecordFacts): void {
  if (ending !== 'budget' && ending !== 'no-agents') return;
  const team = around.ledger.team(id);
  const open = team.tasks.find(task => task.open !== null || task.outrun !== null || task.state.name === 'merging');
  const works = livingOf(team).flatMap(agent => {
    return life.agents.isFailed(team, agent) ? [] : (team.agents.get(agent) ?? []);
  });
  if (works.length === 0) return;
  hold('a team is given up when nothing of it runs', !open, () => `${open?.id} is ${open?.state.name}`);
  const paysPrompts = isSurelyPaid(team);
  const possible = team.tasks.find(task => {
    const isPaid = task.spec.prompt === undefined || paysPrompts;
    return isReady(task, Number.NEGATIVE_INFINITY) && isPaid && works.some(group => mayDo(group, task));
  });
  hold('a team is given up when nobody can go on', !possible, () => `${possible?.id} is ready`);
}

function checkEnd({id, outcome}: Extract<StateRecord, {kind: 'attempt-ended'}>, {around}: RecordFacts): void {
  const {machine, isHeld, ledger} = around;
  hold('an attempt ends when its processes are gone', !machine.isLive(id), () => `attempt ${id} runs`);
  if (outcome === null) {
    hold('an attempt is lost only when no host holds it', !isHeld(id), () => `attempt ${id}`);
    return;
  }
  // That one which had lost succeeded all the same is not recorded.
  if (ledger.attempts.get(id)?.task.outrun?.id === id) return;
  const said = machine.outcomeOf(id);
  const told = JSON.stringify(withVerdict(said, outcome)) === JSON.stringify(outcome);
  hold('an outcome is recorded as it happened', told, () => `attempt ${id}`);
}

/** What was stopped because it hung is recorded as that. */
function withVerdict(said: AttemptOutcome | undefined, {result}: AttemptOutcome): AttemptOutcome | undefined {
  if (!said || said.result.ok || result.ok || result.failure.reason !== 'silent') return said;
  const {failure} = said.result;
  return failure.reason === 'stopped' && failure.by === 'silent' ? {...said, result} : said;
}
