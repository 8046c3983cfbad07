import {plural, usdText} from '../base/amount.ts';
import {formatDuration} from '../base/duration.ts';
import {anomalyText} from '../model/anomaly-text.ts';
import type {Autoscale, ScaleDecision} from '../model/autoscale.ts';
import type {EventBody} from '../model/event.ts';
import {failureText, stopText} from '../model/failure-text.ts';
import type {StragglerWhy} from '../model/speculate.ts';

/** What happened, as a sentence; null: nothing of which a person would want to be told. */
export function eventText(body: EventBody): string | null {
  switch (body.type) {
    case 'team-spawned':
      return `It was spawned with ${plural(body.agents, 'agent')} and ${plural(body.tasks, 'task')}.`;
    case 'team-ready':
      return `${plural(body.agents, 'agent was', 'agents were')} ready.`;
    case 'team-ending':
      return `It was to end: ${stopText(body.by)}.`;
    case 'team-finished':
      return `It was over: ${body.state}.`;
    case 'team-warning':
    case 'attempt-warning':
      return body.text;
    case 'team-scaled':
      return `From ${body.decision.from} to ${plural(body.decision.to, 'agent')}: ${inputsText(body.decision)}.`;
    case 'team-changed':
      return `Somebody changed how it is run: strategy ${body.strategy.name}, ${staffText(body.autoscale)}.`;
    case 'team-paused':
      return body.why === null ? 'Somebody paused it.' : `It paused by itself: ${body.why}`;
    case 'team-revived':
      return 'It was over, and goes on.';
    case 'plan-added':
      return `It was given a plan${body.plan === null ? '' : ` (${body.plan})`} of ${plural(body.tasks, 'task')}.`;
    case 'round-begun': {
      const more = body.tasks > body.first.length ? ` and ${body.tasks - body.first.length} more` : '';
      return `${plural(body.tasks, 'task goes', 'tasks go')} again: ${body.first.join(', ')}${more}.`;
    }
    case 'team-resumed':
      return 'It was resumed.';
    case 'agents-changed':
      return `${body.agents.join(', ')}: ${STANDING[body.to]}.`;
    case 'agent-anomaly':
      return `${body.agent} ${anomalyText(body)}.`;
    case 'agent-breaker':
      return `${body.agent} ${breakerChangeText(body)}.`;
    case 'agents-failed':
      return `${plural(body.agents, 'agent')} failed: ${failureText(body.failure)}`;
    case 'tasks-added':
      return `${plural(body.count, 'instance')} of ${body.task} came to be.`;
    case 'waiting-for-capacity':
      return `Attempts had to wait for ${body.why}.`;
    case 'attempt-leased':
      return `Attempt ${body.number} went to ${body.agent}${choiceText(body)}.`;
    case 'attempt-failed':
      return `The attempt failed: ${failureText(body.failure)}${nextText(body)}`;
    case 'attempt-speculated':
      return `A second attempt was started: ${stragglerText(body.why)}.`;
    case 'attempt-lost':
      return `The attempt was lost with ${body.host}.`;
    case 'attempt-limited':
      return `${body.provider} let nothing more through (${body.kind}). Next attempt in ${formatDuration(body.retryInMs)}.`;
    case 'task-succeeded':
      return body.durationMs === null ? 'It succeeded.' : `It succeeded after ${formatDuration(body.durationMs)}.`;
    case 'task-failed':
      return `It failed: ${failureText(body.failure)}`;
    case 'task-skipped':
      return body.because === 'needs' && body.need !== null
        ? `It was skipped: ${body.need} did not succeed.`
        : 'It was skipped: its condition did not hold.';
    case 'task-cancelled':
      return `It was cancelled: ${stopText(body.by)}.`;
    case 'task-reviewed':
      return body.approved ? `${body.by} approved it.` : `${body.by} sent it back: ${body.comments}`;
    case 'task-merged':
      return `Its change was merged (${body.tip.slice(0, 10)}).`;
    case 'merge-conflict':
      return `Its change conflicts in ${body.files.join(', ')}; ${body.next === 'resolve' ? 'another attempt brings it together' : 'it was given up'}.`;
    case 'host-health':
      return hostHealthText(body);
    case 'host-gone':
      return `${body.host} was gone.`;
    case 'edge-breaker':
      return edgeText(body);
    case 'task-escalated':
      return `It goes to ${body.to} from now on.`;
    default:
      return null;
  }
}

function staffText(autoscale: Autoscale | null): string {
  return autoscale === null
    ? 'as many agents as asked for'
    : `${autoscale.min} to ${plural(autoscale.max, 'agent')} by itself`;
}

function hostHealthText({host, health, why}: Extract<EventBody, {type: 'host-health'}>): string {
  const because = why === null ? '' : `: ${why}`;
  switch (health) {
    case 'healthy':
      return `${host} was heard again.`;
    case 'suspect':
      return `${host} was suspected to hang${because}.`;
    case 'unhealthy':
      return `${host} hung${because}.`;
    case 'dead':
      return `${host} was ended, as it was stuck${because}.`;
  }
}

function edgeText({host, of, state, detail, retryAfterMs}: Extract<EventBody, {type: 'edge-breaker'}>): string {
  const breaker = `The breaker of the ${of.kind} ${of.name} on ${host}`;
  const forTime = retryAfterMs > 0 ? ` for ${formatDuration(retryAfterMs)}` : '';
  switch (state) {
    case 'open':
      return `${breaker} opened${forTime}: ${detail}`;
    case 'half-open':
      return `${breaker} let one attempt through to see.`;
    case 'closed':
      return `${breaker} closed.`;
  }
}

function nextText({retryInMs, goesOn}: Extract<EventBody, {type: 'attempt-failed'}>): string {
  if (goesOn !== undefined) return ' The other attempt at it goes on.';
  return retryInMs === null ? '' : ` Next attempt in ${formatDuration(retryInMs)}.`;
}

function breakerChangeText({state, forMs, trips}: Extract<EventBody, {type: 'agent-breaker'}>): string {
  switch (state) {
    case 'open': {
      const again = trips > 1 ? `; it was left out ${plural(trips - 1, 'time')} before` : '';
      return `has failed too often and is left out for ${formatDuration(forMs ?? 0)}${again}`;
    }
    case 'half-open':
      return 'gets one task to show that it works';
    case 'closed':
      return 'has shown that it works, and is given tasks again';
  }
}

/** Why an attempt was taken for a straggler, without a full stop. */
function stragglerText({elapsedMs, limitMs, samples, medianMs, p95Ms}: StragglerWhy): string {
  const peers = `${samples} of its kind took ${formatDuration(medianMs)} in the middle, 95 % of them at most ${formatDuration(p95Ms)}`;
  return `the first had run for ${formatDuration(elapsedMs)}, longer than ${formatDuration(limitMs)}; ${peers}`;
}

const STANDING = {
  present: 'back at work',
  paused: 'paused',
  draining: 'leaving when what they are at work on is done',
  gone: 'gone',
  restarted: 'restarted',
} as const;

function choiceText({why}: Extract<EventBody, {type: 'attempt-leased'}>): string {
  if (why === undefined) return '';
  const passed =
    why.avoided.length === 0
      ? ''
      : `; passed over: ${why.avoided.map(each => `${each.agent} (${each.why})`).join(', ')}`;
  return ` (${why.strategy}, of ${why.candidates} that were free${passed})`;
}

const REASONS = {
  asked: 'somebody asked for it',
  queue: 'tasks waited for an agent',
  burst: 'many tasks had become ready at once',
  width: 'the rest of the plan cannot use more',
  idle: 'agents had nothing to do',
  cost: 'an hour may not cost more',
  limits: 'its auto-scaling has these limits',
} as const satisfies Record<ScaleDecision['why'], string>;

/** Why a team was given more or fewer agents, with what that was decided from. */
export function inputsText({why, inputs, from, to}: ScaleDecision): string {
  // What the plan says works both ways: it shows what is of no more use, and what will be needed in a moment.
  const reason = why === 'width' && to > from ? 'more tasks are about to become ready' : REASONS[why];
  if (inputs === null) return reason;
  const {busySlots, slots, queued, queuedWorkMs, waitP90Ms, width, soon, usdPerHour} = inputs;
  const facts = [
    `${queued} waiting${queuedWorkMs === null ? '' : ` (${formatDuration(queuedWorkMs)} of work)`}`,
    `${busySlots} of ${plural(slots, 'slot')} busy`,
    ...(waitP90Ms > 0 ? [`waits up to ${formatDuration(waitP90Ms)}`] : []),
    `the plan can use ${width}`,
    ...(why === 'width' && soon !== undefined ? [`${soon} in a moment`] : []),
    ...(usdPerHour === null ? [] : [`${usdText(usdPerHour)} an hour`]),
  ];
  return `${reason} (${facts.join(', ')})`;
}
