import type {Effect, Input} from '../federation/engine-io.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {AttemptOutcome, Memo} from '../model/attempt.ts';
import type {EventBody} from '../model/event.ts';
import type {EngineRecord} from '../model/record.ts';

/** One line per thing that goes in or comes out of the engine, for the trace. */
export function describeInput(input: Input): string {
  switch (input.type) {
    case 'spawn-team':
      return `spawn-team ${input.spec.name} (${input.spec.count} agents, ${input.spec.plan?.tasks.length ?? 'no'} tasks)`;
    case 'end-team':
      return `end-team ${input.teamId}`;
    case 'scale-team':
      return `scale-team ${input.teamId} ${JSON.stringify(input.change)}`;
    case 'agent-order':
      return `${input.what} ${input.agent} of ${input.teamId}`;
    case 'run-plan':
      return `run-plan ${input.teamId}: ${input.plan.tasks.length} tasks`;
    case 'retry-team':
      return `retry-team ${input.teamId} ${typeof input.tasks === 'string' ? input.tasks : input.tasks.join(',')}`;
    case 'pause':
    case 'resume':
      return `${input.type} ${input.teamId} ${input.agent ?? 'all'}`;
    case 'remove-team':
      return `remove-team ${input.teamId}`;
    case 'host-connected':
      return `host-connected ${input.host.id} holds [${input.holds.join(',')}] agents ${input.agents.length}`;
    case 'host-disconnected':
    case 'host-gone':
      return `${input.type} ${input.hostId}`;
    case 'host-start-failed':
    case 'tick':
      return input.type;
    case 'agents-ready':
    case 'agents-failed':
      return `${input.type} ${input.hostId} ${input.agents.join(',')}`;
    case 'attempt-verifying':
      return `attempt-verifying ${input.attempt} by ${input.hostId}`;
    case 'attempt-session':
      return `attempt-session ${input.attempt} by ${input.hostId}`;
    case 'provider-signal':
      return `provider-signal ${input.signal.provider} ${input.signal.kind} by ${input.hostId}`;
    case 'host-probed':
      return `host-probed ${input.hostId} ${input.probe.state}`;
    case 'breaker':
      return `breaker ${input.of.kind} ${input.of.name} ${input.state} on ${input.hostId}`;
    case 'merge-ended':
      return `merge-ended ${input.teamId}/${input.task} ${input.result.kind}`;
    case 'attempt-finished':
      return `attempt-finished ${input.attempt} by ${input.hostId}: ${describeOutcome(input.outcome)}`;
    case 'strays-gone':
      return `strays-gone [${input.attempts.join(',')}] by ${input.hostId}`;
    case 'vitals':
      return `vitals ${input.hostId} ${input.vitals.length} attempts, ${input.lagMs} ms late`;
    case 'output-read':
      return `output-read ${input.teamId}/${input.task} ${input.output.ok ? 'ok' : 'failed'}`;
    case 'permits':
      return `permits ${input.permits}${describeLimits(input)}`;
  }
}

export function describeRecord(record: EngineRecord): string | null {
  switch (record.kind) {
    case 'team-created':
      return `team ${record.id} ${record.spec.name}`;
    case 'team-state':
      return `team ${record.id} ${record.state} by ${record.ending ?? 'nothing'}`;
    case 'team-settings':
      return `settings of ${record.teamId}: ${JSON.stringify(record.settings)}`;
    case 'team-finished':
      return `team ${record.id} finished ${record.state}`;
    case 'team-revived':
      return `team ${record.id} revived`;
    case 'plan-added':
      return `team ${record.teamId} has ${record.plan.tasks.length} tasks more to do`;
    case 'team-removed':
      return `team ${record.id} removed`;
    case 'agents':
      return `agents of ${record.teamId}: ${record.agents.map(({id, standing}) => `${id} ${standing}`).join(',')}`;
    case 'tasks-created':
      return `team ${record.teamId} +${record.tasks.length} tasks`;
    case 'task-state':
      return `task ${record.teamId}/${record.seq} ${record.state.name} f${record.failures} l${record.losses}${describeMemo(record.memo)}`;
    case 'attempt-leased':
      return `attempt ${record.id} leased: task ${record.teamId}/${record.task} number ${record.number}, ${record.agentId} on ${record.hostId}${describeMeans(record.means)}`;
    case 'attempt-session':
      return `attempt ${record.id} has session ${record.session.session}`;
    case 'attempt-ended':
      return `attempt ${record.id} ended: ${record.outcome ? describeOutcome(record.outcome) : 'lost'}`;
    case 'host':
      return `host ${record.host.id} ${record.host.gone ? 'gone' : 'known'}`;
    case 'event':
      return null;
  }
}

/** What an event is counted as. */
export function describeEvent(body: EventBody): string {
  switch (body.type) {
    case 'team-ending':
      return `event: team-ending by ${body.by}`;
    case 'merge-conflict':
      return `event: merge-conflict, ${body.next}`;
    case 'task-failed':
      return `event: task-failed, ${body.failure.reason}`;
    case 'attempt-failed':
    case 'agents-failed':
      return `event: ${body.type}, ${body.failure.reason}`;
    case 'host-health':
      return `event: host-health, ${body.health}`;
    case 'agent-breaker':
    case 'edge-breaker':
      return `event: ${body.type}, ${body.state}`;
    case 'team-scaled':
      return `event: team-scaled, ${body.decision.why}`;
    case 'task-reviewed':
      return `event: task-reviewed, ${body.approved ? 'approved' : 'sent back'}`;
    default:
      return `event: ${body.type}`;
  }
}

export function describeEffect(effect: Effect): string {
  switch (effect.type) {
    case 'answer':
      return `answer ${effect.request} ${effect.result.ok ? 'ok' : effect.result.failure.reason}`;
    case 'start-host':
      return 'start-host';
    case 'kill-host':
    case 'ask-beat':
    case 'probe-host':
      return `${effect.type} ${effect.hostId}`;
    case 'open-team':
    case 'close-team':
      return `${effect.type} ${effect.teamId} on ${effect.hostId}`;
    case 'open-agents':
    case 'close-agents':
      return `${effect.type} ${effect.agents.join(',')} on ${effect.hostId}`;
    case 'assign':
      return `assign ${effect.assignment.attempt} (task ${effect.assignment.teamId}/${effect.assignment.task}) to ${effect.hostId}`;
    case 'pause-attempts':
      return `${effect.paused ? 'hold' : 'let go'} [${effect.attempts.join(',')}] on ${effect.hostId}`;
    case 'stop-attempts':
    case 'reap':
      return `${effect.type} [${effect.attempts.join(',')}] on ${effect.hostId}`;
    case 'read-output':
      return `read-output ${effect.teamId}/${effect.task}`;
    case 'want-permits':
      return `want-permits ${effect.want}`;
    case 'provider-signal':
      return `provider-signal ${effect.signal.provider} ${effect.signal.kind}`;
    case 'merge':
      return `merge ${effect.request.teamId}/${effect.request.task} attempt ${effect.request.attempt}`;
    case 'forget-team':
      return `forget-team ${effect.teamId}`;
    case 'team-over':
      return `team-over ${effect.teamId}`;
  }
}

function describeLimits({memoryBytes, gates = []}: Extract<Input, {type: 'permits'}>): string {
  const memory = memoryBytes === undefined ? '' : ` memory ${memoryBytes / 2 ** 20} MiB`;
  return `${memory}${gates.map(({provider, permits}) => ` ${provider} ${permits}`).join('')}`;
}

function describeMemo({limited = 0, hung = 0, conflicts = 0, rounds = 0}: Memo = {}): string {
  const isNone = limited + hung + conflicts + rounds === 0;
  return isNone ? '' : ` limited ${limited} hung ${hung} conflicts ${conflicts} rounds ${rounds}`;
}

function describeMeans(means: AttemptMeans | undefined): string {
  if (!means) return '';
  const {runtime, model, cap} = means;
  return ` with ${runtime}/${model ?? 'default'} for ${cap.usd ?? 'any'} usd, ${cap.tokens ?? 'any'} tokens`;
}

function describeOutcome({result, work, verdict}: AttemptOutcome): string {
  if (verdict) return verdict.approved ? 'approves' : 'sends back';
  if (result.ok) return work ? 'ok with work' : 'ok';
  return result.failure.reason === 'stopped' ? `stopped by ${result.failure.by}` : result.failure.reason;
}
