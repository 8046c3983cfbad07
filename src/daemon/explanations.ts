import type {Answer} from '../api/backend.ts';
import type {ExplainQuery} from '../api/contract.ts';
import {readClock, sleep} from '../base/clock.ts';
import {fail, ok} from '../base/result.ts';
import {similarTo} from '../base/similar.ts';
import type {Engine} from '../federation/engine.ts';
import {explainAgent, explainTask, explainTeam} from '../federation/explain.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {StoredEvent} from '../model/event.ts';
import type {Explanation} from '../model/explanation.ts';
import type {TeamId} from '../model/ids.ts';
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
  const {teamId} = view;
  const breakers = options.engine.breakers();
  if (agent !== undefined) {
    const found = options.agents.find(({id}) => id === agent);
    if (!found) {
      const similar = similarTo(
        agent,
        options.agents.map(({id}) => id),
      );
      return fail({reason: 'agent-not-found', team: view.team, agent, similar});
    }
    return ok(explainAgent({view, agent: found, breakers, events: await journalOf(store, teamId)}));
  }
  if (task === undefined) return ok(explainTeam({view, breakers, events: await journalOf(store, teamId)}));
  const row = options.task(task);
  if (!row.ok) return row;
  const standing = options.engine.taskStanding(teamId, row.value.seq);
  return ok(
    explainTask({
      view,
      task: standing ? {...row.value, state: standing.state} : row.value,
      attempts: store.attempts(teamId, row.value.seq),
      obstacles: standing?.obstacles ?? [],
      nowMs: readClock().wallMs,
      events: await journalOf(store, teamId),
    }),
  );
}

const PAGE = 1000;

/** A long journal is read piece by piece, with everything else going on in between. */
async function journalOf(store: Pick<Store, 'events'>, teamId: TeamId): Promise<readonly StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (;;) {
    const page = store.events({teamId, after: events.at(-1)?.cursor ?? 0, limit: PAGE});
    events.push(...page);
    if (page.length < PAGE) return events;
    await sleep(0);
  }
}
