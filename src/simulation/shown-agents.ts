import type {Now} from '../base/clock.ts';
import type {AgentView} from '../model/agent-view.ts';
import type {AgentId, TeamId} from '../model/ids.ts';
import type {EngineUnderTest} from './engine-under-test.ts';
import type {LedgerTeam} from './ledger-entries.ts';

/** What the engine says of the agents of a team, asked at most once a step. */
export class ShownAgents {
  readonly #now: () => Now;
  readonly #views = new Map<TeamId, readonly AgentView[]>();
  #engine: EngineUnderTest | null = null;

  constructor(now: () => Now) {
    this.#now = now;
  }

  /** The engine has taken a step: what it has said before may not hold any more. */
  begin(engine: EngineUnderTest): void {
    this.#views.clear();
    this.#engine = engine;
  }

  all({id}: LedgerTeam): readonly AgentView[] {
    let views = this.#views.get(id);
    if (!views) {
      views = this.#engine?.agents(id, {now: this.#now()}) ?? [];
      this.#views.set(id, views);
    }
    return views;
  }

  one(team: LedgerTeam, agent: AgentId): AgentView | undefined {
    return this.all(team).find(view => view.id === agent);
  }
}
