import type {Answer} from '../api/backend.ts';
import type {ExplainQuery} from '../api/contract.ts';
import {readClock, sleep} from '../base/clock.ts';
import {fail, ok} from '../base/result.ts';
import {similarTo} from '../base/similar.ts';
import type {Engine} from '../federation/engine.ts';
import {explainAgent, explainGone, explainTask, explainTeam} from '../federation/explain.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {EventBody, StoredEvent} from '../model/event.ts';
import type {Explanation} from '../model/explanation.ts';
import {agentId, type TeamId} from '../model/ids.ts';
import type {TaskRow} from '../model/row.ts';
import type {TeamView} from '../model/team-view.ts';
import type {Store} from '../store/store.ts';

export interface ExplainOptions {
  readonly view: TeamView;
  readonly engine: Pick<Engine, 'taskStanding' | 'breakers'>;
  readonly store: Pick<Store, 'events' | 'attempts'>;
  readonly agents: readonly AgentView[];
  readonly task: (id: string) => Answer<TaskRow>;
}

/** Why a team, or a task or an agent of it, is as it is. */
export async function explain({agent, task}: ExplainQuery, options: ExplainOptions): Promise<Answer<Explanation>> {
  const {view, store} = options;
  // First of all, as it takes a while: everything else is of the same moment.
  const [events, hostEvents] = await journalsOf(store, view);
  const breakers = options.engine.breakers();
  if (agent !== undefined) {
    const found = options.agents.find(({id}) => id === agent);
    if (found) return ok(explainAgent({view, agent: found, breakers, events, hostEvents}));
    const gone = explainGone(agentId(agent), {events, hostEvents});
    if (gone) return ok(gone);
    const known = options.agents.map(({id}) => id);
    return fail({reason: 'agent-not-found', team: view.team, agent, similar: similarTo(agent, known)});
  }
  if (task === undefined) return ok(explainTeam({view, breakers, events, hostEvents}));
  const row = options.task(task);
  if (!row.ok) return row;
  const {seq} = row.value;
  const standing = options.engine.taskStanding(view.teamId, seq);
  return ok(
    explainTask({
      view,
      task: standing ? {...row.value, state: standing.state} : row.value,
      attempts: store.attempts(view.teamId, seq),
      obstacles: standing?.obstacles ?? [],
      nowMs: readClock().wallMs,
      events,
      hostEvents,
    }),
  );
}

const PAGE = 1000;

/** What happened in a team, and what became of hosts and breakers from its first event on. */
async function journalsOf(
  store: Pick<Store, 'events'>,
  {teamId, startedAtMs, durationMs, outcome}: TeamView,
): Promise<readonly [events: readonly StoredEvent[], hostEvents: readonly StoredEvent[]]> {
  const events = await journalOf(store, teamId, 0);
  const ofHosts = await journalOf(store, null, (events[0]?.cursor ?? 1) - 1);
  const untilMs = outcome === null ? Infinity : startedAtMs + durationMs;
  return [events, ofHosts.filter(({atMs, body}) => HOST_NEWS.has(body.type) && atMs <= untilMs)];
}

const HOST_NEWS: ReadonlySet<string> = new Set<EventBody['type']>(['host-health', 'host-gone', 'edge-breaker']);

/** A long journal is read piece by piece, with everything else going on in between. */
async function journalOf(
  store: Pick<Store, 'events'>,
  teamId: TeamId | null,
  after: number,
): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (;;) {
    const page = store.events({teamId, after: events.at(-1)?.cursor ?? after, limit: PAGE});
    events.push(...page);
    if (page.length < PAGE) return events;
    await sleep(0);
  }
}
