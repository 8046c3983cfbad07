import {plural} from '../base/amount.ts';
import {formatDuration} from '../base/duration.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {ScaleDecision} from '../model/autoscale.ts';
import {anomalyText} from '../model/anomaly-text.ts';
import {type BreakerView, breakerText} from '../model/edge.ts';
import type {EventBody, StoredEvent} from '../model/event.ts';
import type {Explanation} from '../model/explanation.ts';
import {failureText, stopText} from '../model/failure-text.ts';
import type {AgentId, HostId} from '../model/ids.ts';
import {providerOf} from '../model/provider.ts';
import type {AttemptRow, TaskRow} from '../model/row.ts';
import type {TeamView} from '../model/team-view.ts';
import {eventText, inputsText} from './event-text.ts';

/** What an explanation is made of: how things are now, and what was recorded when they were decided. */
export interface ExplainedTeam {
  readonly view: TeamView;
  /** All of the team that are still in the journal, oldest first. */
  readonly events: readonly StoredEvent[];
  /** What has become of hosts and breakers in its time, oldest first; absent: nothing is known. */
  readonly hostEvents?: readonly StoredEvent[];
  /** Of runtimes and providers, those that are not closed. */
  readonly breakers?: readonly BreakerView[];
}

export interface ExplainedTask extends Omit<ExplainedTeam, 'breakers'> {
  readonly task: TaskRow;
  readonly attempts: readonly AttemptRow[];
  /** What keeps it from running, from the engine; empty for one that runs or is over. */
  readonly obstacles: readonly string[];
  readonly nowMs: number;
}

export interface ExplainedAgent extends ExplainedTeam {
  readonly agent: AgentView;
}

/** Why a team is as it is: what its tasks wait for, and why it has as many agents as it has. */
export function explainTeam({view, events, hostEvents = [], breakers = []}: ExplainedTeam): Explanation {
  const scaling = events
    .flatMap(({atMs, body}) => (body.type === 'team-scaled' ? [{atMs, ...body.decision}] : []))
    .reverse();
  const about = [
    ...events.filter(({body}) => OF_TEAM.has(body.type)),
    ...hostEvents.filter(({body}) => isTrouble(body)),
  ];
  return {
    v: 1,
    about: {kind: 'team', team: view.team},
    state: view.state,
    because: [...teamReasons(view, scaling[0] ?? null), ...breakers.map(breakerSentence)],
    history: historyOf(about),
    scaling,
  };
}

const OF_TEAM: ReadonlySet<string> = new Set<StoredEvent['body']['type']>([
  'team-spawned',
  'team-ready',
  'team-ending',
  'team-finished',
  'team-warning',
  'team-scaled',
  'team-paused',
  'team-resumed',
  'team-changed',
  'team-revived',
  'plan-added',
  'round-begun',
  'agents-changed',
  'agent-anomaly',
  'agent-breaker',
  'agents-failed',
  'tasks-added',
  'waiting-for-capacity',
]);

function teamReasons(view: TeamView, scaled: ScaleDecision | null): string[] {
  const {state, tasks, agents, outcome} = view;
  const open = tasks.running + tasks.verifying + tasks.reviewing + tasks.merging;
  return [
    ...(view.endedBecause === null ? [] : [view.endedBecause]),
    ...(view.pausedBecause === undefined ? [] : [view.pausedBecause]),
    ...(state === 'paused' && view.pausedBecause === undefined ? ['Somebody has paused it.'] : []),
    ...(state === 'idle' ? ['It has nothing to do: its agents wait for a plan.'] : []),
    ...(outcome !== null && view.endedBecause === null
      ? [`Its plan is over: ${tasks.succeeded} of ${plural(tasks.total, 'task')} succeeded.`]
      : []),
    ...(open > 0 ? [`${plural(open, 'task is', 'tasks are')} at work on ${plural(agents.busy, 'agent')}.`] : []),
    ...view.waiting
      .filter(each => each.tasks > 0)
      .map(each => `${plural(each.tasks, 'task waits', 'tasks wait')} for ${waitedFor(each.why)}.`),
    ...(tasks.failed > 0 ? [`${plural(tasks.failed, 'task has', 'tasks have')} failed.`] : []),
    ...(scaled === null ? [] : [staffText(view, scaled)]),
    ...view.warnings,
  ];
}

/** A suspicion that came to nothing is no news to those who ask about a whole team. */
function isTrouble(body: EventBody): boolean {
  return body.type !== 'host-health' || body.health === 'unhealthy' || body.health === 'dead';
}

function staffText({outcome, agents}: TeamView, {from, to, ...decision}: ScaleDecision): string {
  const has = outcome === null ? `It has ${plural(agents.requested, 'agent')}; it` : 'It';
  return `${has} last went from ${from} to ${to}: ${inputsText({from, to, ...decision})}.`;
}

const BUSY = 'every agent is busy';

/** Reasons are written to follow "waiting for"; some of them are whole clauses. */
function waitedFor(why: string): string {
  if (why.startsWith(BUSY)) return `an agent: every one that can do them is busy${why.slice(BUSY.length)}`;
  if (why === 'agents are starting') return 'agents that are starting';
  if (why === 'no agent works') return 'an agent: none of those that can do them works just now';
  if (why.startsWith('no agent')) return `an agent that can do them: there is ${why}`;
  if (why.startsWith('as many of its kind')) return `others of their kind: ${why}`;
  return why;
}

/** Why a task waits, why it went to the agent that it went to, why it has failed. */
export function explainTask(explained: ExplainedTask): Explanation {
  const {view, task, attempts, obstacles, events, hostEvents = [], nowMs} = explained;
  const id = task.id;
  // The last failure of an attempt is that of its task, which is told right after.
  const about = events.filter(
    ({body}) =>
      'task' in body &&
      body.task === id &&
      !(body.type === 'attempt-failed' && body.retryInMs === null && body.goesOn === undefined),
  );
  return {
    v: 1,
    about: {kind: 'task', task: id},
    state: task.state.name,
    because: [...taskReasons(task, {attempts, obstacles, view, nowMs, hostEvents}), ...choiceReasons(task, about)],
    history: historyOf([...about, ...during(attempts, hostEvents)]),
  };
}

/** What happened to the hosts of these attempts while they had them. */
function during(attempts: readonly AttemptRow[], hostEvents: readonly StoredEvent[]): readonly StoredEvent[] {
  return hostEvents.filter(({atMs, body}) =>
    attempts.some(({hostId, leasedAtMs, endedAtMs}) => {
      return 'host' in body && body.host === hostId && atMs >= leasedAtMs && atMs <= (endedAtMs ?? Infinity);
    }),
  );
}

function taskReasons(
  {state}: TaskRow,
  {
    attempts,
    obstacles,
    view,
    nowMs,
    hostEvents = [],
  }: Pick<ExplainedTask, 'attempts' | 'obstacles' | 'view' | 'nowMs' | 'hostEvents'>,
): string[] {
  const last = attempts.at(-1);
  switch (state.name) {
    case 'running':
    case 'verifying': {
      if (!last) return [];
      const before = attempts.at(-2);
      const other = before?.endedAtMs === null ? [before, last] : [];
      const held = view.state === 'paused' ? '; the team is paused' : '';
      return [
        ...(other.length > 0 ? other : [last]).map(each => atWork(each, {nowMs, held})),
        ...(other.length > 0
          ? ['The first of them that succeeds counts.']
          : lastFailure(attempts.slice(0, -1), hostEvents)),
      ];
    }
    case 'backing-off': {
      const left = formatDuration(Math.max(0, state.untilWallMs - nowMs));
      return [`It goes again in ${left}.`, ...lastFailure(attempts, hostEvents)];
    }
    case 'failed':
      return [failureText(state.failure), ...(attempts.length > 1 ? [`It was tried ${attempts.length} times.`] : [])];
    case 'skipped':
      return [
        state.because.cause === 'needs'
          ? 'A task that it needs did not succeed.'
          : 'Its condition did not hold: nothing that it looks at has failed.',
      ];
    case 'cancelled':
      return [`It was cancelled: ${stopText(state.by)}.`];
    case 'succeeded': {
      const good = attempts.findLast(({outcome}) => outcome?.result.ok) ?? last;
      return good ? [`Attempt ${good.number} on ${good.agentId} succeeded.`] : ['All of it is done.'];
    }
    case 'expanded':
      return ['Its instances are at work, or wait.'];
    case 'reviewing':
      return ['An attempt has succeeded, and its change is being reviewed.'];
    case 'merging':
      return ["An attempt has succeeded, and its change is being merged onto the team's branch."];
    case 'waiting':
    case 'ready':
      return [...obstacles, ...lastFailure(attempts, hostEvents)];
  }
}

function atWork({number, agentId, leasedAtMs}: AttemptRow, {nowMs, held}: {nowMs: number; held: string}): string {
  const since = formatDuration(Math.max(0, nowMs - leasedAtMs));
  return `Attempt ${number} is at work on ${agentId} for ${since}${held}.`;
}

function lastFailure(attempts: readonly AttemptRow[], hostEvents: readonly StoredEvent[]): string[] {
  const last = attempts.at(-1);
  if (!last) return [];
  if (last.outcome === null) {
    if (last.endedAtMs === null) return [];
    const end = during([last], hostEvents).findLast(({body}) => body.type === 'host-health' && body.health === 'dead');
    const why = end ? eventText(end.body) : null;
    return [`Attempt ${last.number} on ${last.agentId} was lost with its host.${why === null ? '' : ` ${why}`}`];
  }
  const {result} = last.outcome;
  return result.ok ? [] : [`Attempt ${last.number} on ${last.agentId} failed: ${failureText(result.failure)}`];
}

/** Why the agent of the last attempt was chosen, as it was recorded then. */
function choiceReasons({state}: TaskRow, events: readonly StoredEvent[]): string[] {
  if (state.name === 'waiting') return [];
  const leased = events.findLast(({body}) => body.type === 'attempt-leased')?.body;
  if (leased?.type !== 'attempt-leased' || leased.why === undefined) return [];
  const {agent, why} = leased;
  const [own] = why.compared;
  const others = why.compared.slice(1).map(each => `${score(each.score)} of ${each.agent}`);
  const scores = own && others.length > 0 ? `: ${score(own.score)} against ${others.join(', ')} (lower is better)` : '';
  return [
    why.candidates === 1
      ? `It went to ${agent}, the only agent that could do it and was free.`
      : `It went to ${agent} of ${why.candidates} agents that could do it and were free, by ${why.strategy}${scores}.`,
    ...why.avoided.map(each => `${each.agent} was passed over: ${each.why}.`),
  ];
}

function score(value: number): string {
  return String(Number(value.toPrecision(3)));
}

function breakerSentence(breaker: BreakerView): string {
  const text = breakerText(breaker);
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

/** Why an agent is given nothing, or what it is at work on. */
export function explainAgent({agent, view, events, hostEvents = [], breakers = []}: ExplainedAgent): Explanation {
  const {id, tasks, why, health, breaker, state} = agent;
  const about = eventsOf(id, events, hostEvents);
  const queued = view.waiting.reduce((sum, each) => sum + each.tasks, 0);
  return {
    v: 1,
    about: {kind: 'agent', agent: id},
    state,
    because: [
      ...(tasks.length > 0 ? [`It is at work on ${tasks.join(', ')}.`] : []),
      ...(why === null ? [] : [`It is given nothing: ${why}.`]),
      ...(state === 'idle' && why === null
        ? [queued > 0 ? 'It is free; no task that waits is one that it can do.' : 'It is free; no task waits.']
        : []),
      ...(breaker === 'closed'
        ? []
        : [
            breaker === 'open'
              ? 'Its breaker is open: it has failed too often.'
              : 'Its breaker is half-open: it is given one task to try.',
          ]),
      ...(health === 'healthy' ? [] : [`Its health is ${health}.`]),
      ...breakers.filter(each => concerns(each, agent)).map(breakerSentence),
      ...(agent.anomalies ?? []).map(anomaly => `It ${anomalyText(anomaly)}: others are preferred.`),
      recordText(agent),
    ],
    history: historyOf(about),
  };
}

/** Of one that has left, all that the journal still knows; null: it has never heard of it. */
export function explainGone(
  id: AgentId,
  {events, hostEvents = []}: Pick<ExplainedTeam, 'events' | 'hostEvents'>,
): Explanation | null {
  const about = eventsOf(id, events, hostEvents);
  if (about.length === 0) return null;
  const attempts = about.filter(({body}) => body.type === 'attempt-leased').length;
  const isKnown = about.some(({body}) => body.type === 'agents-changed' && body.to === 'gone');
  return {
    v: 1,
    about: {kind: 'agent', agent: id},
    state: 'gone',
    because: [
      isKnown ? 'It has left the team.' : 'It is no agent of the team any more.',
      `It was given ${plural(attempts, 'attempt')}.`,
    ],
    history: historyOf(about),
  };
}

/** What concerned an agent: itself, its attempts, and its hosts while it had attempts on them. */
function eventsOf(
  id: AgentId,
  events: readonly StoredEvent[],
  hostEvents: readonly StoredEvent[],
): readonly StoredEvent[] {
  const open = new Map<number, {readonly host: HostId; readonly fromMs: number; toMs: number}>();
  const about = events.filter(({atMs, body}) => {
    if (body.type === 'attempt-leased' && body.agent === id) {
      open.set(body.attempt, {host: body.host, fromMs: atMs, toMs: Infinity});
    }
    if (body.type === 'agent-anomaly' || body.type === 'agent-breaker') return body.agent === id;
    if (body.type === 'agents-changed') return body.agents.includes(id);
    if (body.type === 'task-reviewed') return body.by === id;
    if (!('attempt' in body) || body.attempt === null) return false;
    const attempt = open.get(body.attempt);
    if (attempt && ENDS.has(body.type)) attempt.toMs = atMs;
    return attempt !== undefined;
  });
  const times = [...open.values()];
  const ofHosts = hostEvents.filter(({atMs, body}) =>
    times.some(({host, fromMs, toMs}) => 'host' in body && body.host === host && atMs >= fromMs && atMs <= toMs),
  );
  return [...about, ...ofHosts];
}

const ENDS: ReadonlySet<string> = new Set<StoredEvent['body']['type']>([
  'attempt-failed',
  'attempt-lost',
  'attempt-limited',
  'task-succeeded',
]);

/** Whether it is of what the agent works with, where it works. */
function concerns({of, host}: BreakerView, agent: AgentView): boolean {
  if (agent.runtime === 'command' || (agent.host as string | null) !== host) return false;
  return of.name === (of.kind === 'runtime' ? agent.runtime : providerOf(agent.runtime, agent.model));
}

function recordText({succeeded, failed, meanMs, errorRate}: AgentView): string {
  if (succeeded + failed === 0) return 'It has ended no attempt yet.';
  const mean = meanMs === null ? '' : `, ${formatDuration(meanMs)} on average`;
  const errors = errorRate === null ? '' : `, ${Math.round(100 * errorRate)} % of the last ones failed`;
  return `Of its attempts ${succeeded} succeeded and ${failed} failed${mean}${errors}.`;
}

/** Newest first. */
function historyOf(events: readonly StoredEvent[]): Explanation['history'] {
  return events
    .toSorted((a, b) => a.cursor - b.cursor)
    .flatMap(({atMs, body}) => {
      const text = eventText(body);
      return text === null ? [] : [{atMs, text}];
    })
    .reverse();
}
