import type {EventBody} from '../model/event.ts';
import {isTerminal, type TaskState, type TerminalTaskStateName} from '../model/task.ts';
import type {Fault} from './fault.ts';
import type {LedgerLine} from './ledger.ts';

/** What is known when the team is over. */
export interface ChaosFacts {
  readonly ledger: readonly LedgerLine[];
  readonly events: readonly {readonly atMs: number; readonly body: EventBody}[];
  /** Without the templates of `foreach` and `matrix`. */
  readonly tasks: readonly {readonly id: string; readonly state: TaskState}[];
  /** Retries that the plan itself gives, by the task's id in the plan. */
  readonly retries: ReadonlyMap<string, number>;
}

export interface FaultReport {
  readonly fault: Fault;
  readonly played: number;
  /**
   * What became of those attempts: the reason of the failure, `lost` with their host, `succeeded`, or `over` for those that
   * the end of the team has stopped.
   */
  readonly noticed: Readonly<Record<string, number>>;
  /** From the fault to the record of the failure, in milliseconds; null: none has failed. */
  readonly medianMs: number | null;
  readonly longestMs: number | null;
}

export interface TaskTrouble {
  readonly task: string;
  /**
   * lost: not over. failed: of faults, though it had retries for them. lucky: succeeded by the retries that were added for
   * the faults. lied: a fault was taken for success. twice: it succeeded twice, or one attempt of it was started twice.
   */
  readonly trouble: 'lost' | 'failed' | 'lucky' | 'lied' | 'twice';
}

export interface ChaosReport {
  readonly faults: readonly FaultReport[];
  /** Attempts that began, and those of them with a fault. */
  readonly attempts: number;
  readonly faulty: number;
  readonly tasks: Readonly<Record<TerminalTaskStateName | 'total', number>>;
  readonly troubles: readonly TaskTrouble[];
}

interface AttemptStory {
  readonly task: string;
  readonly fault: Fault | null;
  readonly playedMs: number;
  readonly starts: number;
  end: {readonly how: string; readonly atMs: number} | null;
  successes: number;
}

/** Judges a run: how each fault was noticed, and which tasks have not ended as they would have without any. */
export function chaosReport(facts: ChaosFacts): ChaosReport {
  const stories = storiesOf(facts);
  const byTask = new Map<string, AttemptStory[]>(facts.tasks.map(({id}) => [id, []]));
  for (const story of stories) byTask.get(story.task)?.push(story);
  const faults = [...new Set(facts.ledger.flatMap(({what}) => (what === 'start' ? [] : [what])))];
  const count = (state: TerminalTaskStateName) => facts.tasks.filter(task => task.state.name === state).length;
  return {
    faults: faults.map(fault =>
      faultReport(
        fault,
        stories.filter(story => story.fault === fault),
      ),
    ),
    attempts: stories.length,
    faulty: stories.filter(({fault}) => fault !== null).length,
    tasks: {
      total: facts.tasks.length,
      succeeded: count('succeeded'),
      failed: count('failed'),
      skipped: count('skipped'),
      cancelled: count('cancelled'),
    },
    troubles: facts.tasks.flatMap(({id, state}) => {
      const retries = facts.retries.get(id.split('[')[0] ?? id) ?? 0;
      return troublesOf(state, {retries, stories: byTask.get(id) ?? []}).map(trouble => ({task: id, trouble}));
    }),
  };
}

function storiesOf({ledger, events}: ChaosFacts): readonly AttemptStory[] {
  const played = new Map<number, {fault: Fault; atMs: number}>();
  // A crash can be announced by the attempt and by who kills it: the first word counts.
  const starts = new Map<number, number>();
  for (const {attempt, what, atMs} of ledger) {
    if (what === 'start') starts.set(attempt, (starts.get(attempt) ?? 0) + 1);
    else if (!played.has(attempt)) played.set(attempt, {fault: what, atMs});
  }
  const stories = new Map<number, AttemptStory>();
  for (const {body, atMs} of events) {
    if (body.type === 'attempt-leased') {
      const fault = played.get(body.attempt);
      stories.set(body.attempt, {
        task: body.task,
        fault: fault?.fault ?? null,
        playedMs: fault?.atMs ?? 0,
        starts: starts.get(body.attempt) ?? 0,
        end: null,
        successes: 0,
      });
      continue;
    }
    const how = endOf(body);
    const story = how && stories.get(how.attempt);
    if (!story) continue;
    story.end ??= {how: how.how, atMs};
    if (how.how === 'succeeded') story.successes += 1;
  }
  return [...stories.values()];
}

function endOf(body: EventBody): {readonly attempt: number; readonly how: string} | null {
  if (body.type === 'attempt-failed') return {attempt: body.attempt, how: body.failure.reason};
  if (body.type === 'attempt-lost') return {attempt: body.attempt, how: 'lost'};
  if (body.type === 'task-succeeded' && body.attempt !== null) return {attempt: body.attempt, how: 'succeeded'};
  return null;
}

function faultReport(fault: Fault, stories: readonly AttemptStory[]): FaultReport {
  const noticed: Record<string, number> = {};
  for (const {end} of stories) {
    const how = end?.how ?? 'over';
    noticed[how] = (noticed[how] ?? 0) + 1;
  }
  const took = stories
    .flatMap(({end, playedMs}) =>
      end && end.how !== 'succeeded' ? [Math.max(0, Math.round(end.atMs - playedMs))] : [],
    )
    .toSorted((a, b) => a - b);
  return {
    fault,
    played: stories.length,
    noticed,
    medianMs: took[Math.floor(took.length / 2)] ?? null,
    longestMs: took.at(-1) ?? null,
  };
}

function troublesOf(
  {name}: TaskState,
  {retries, stories}: {readonly retries: number; readonly stories: readonly AttemptStory[]},
): readonly TaskTrouble['trouble'][] {
  if (!isTerminal(name)) return ['lost'];
  const ownFailures = stories.filter(isOwnFailure).length;
  const winners = stories.filter(({end}) => end?.how === 'succeeded');
  const found: TaskTrouble['trouble'][] = [];
  const hadFaults = stories.some(({fault}) => fault !== null);
  if (name === 'failed' && hadFaults && ownFailures <= retries) found.push('failed');
  if (name === 'succeeded' && ownFailures > retries) found.push('lucky');
  if (winners.some(({fault}) => fault !== null && fault !== 'slow')) found.push('lied');
  const successes = winners.reduce((sum, story) => sum + story.successes, 0);
  if (successes > 1 || stories.some(({starts}) => starts > 1)) found.push('twice');
  return found;
}

/** Whether the task's own script failed, which uses up a retry. A slow attempt does its task in the end, unless it is stopped. */
function isOwnFailure({end, fault}: AttemptStory): boolean {
  if (end === null || end.how === 'succeeded' || end.how === 'lost' || end.how === 'provider-limited') return false;
  return fault === null || (fault === 'slow' && end.how !== 'timed-out' && end.how !== 'silent');
}
