import type {AgentStanding} from '../model/agent.ts';
import type {ScaleDecision} from '../model/autoscale.ts';
import type {AgentId} from '../model/ids.ts';
import type {Agent} from './agent.ts';
import {stopAttempts, tellPauses} from './attempt-stops.ts';
import type {Pool} from './pool.ts';
import type {Team} from './team.ts';
import {growthOf, leaversOf, weightsOf} from './team-scale.ts';
import type {Turn} from './turn.ts';

export interface ScaleOrder {
  /** Agents it is to have, of the group or in all. */
  readonly to: number;
  readonly group?: number | null;
  readonly why: ScaleDecision['why'];
  readonly inputs?: ScaleDecision['inputs'];
}

/** Gives teams more agents or fewer, and single ones another standing; records it, and tells hosts. */
export class AgentChanges {
  readonly #pool: Pool;
  /** Those of whom it was recorded that they are gone while they still had something to do. */
  readonly #told = new WeakSet<Agent>();

  constructor(pool: Pool) {
    this.#pool = pool;
  }

  /**
   * Up at once; down without ending any work, see `leaversOf`. Agents that have failed do not count, and are replaced where
   * somebody has asked. Answers what was done, which may be less than what was asked for; null: there was nothing to do.
   */
  scale(turn: Turn, team: Team, {to, group = null, why, inputs = null}: ScaleOrder): ScaleDecision | null {
    const {agents} = team;
    const from = agents.livingInAll;
    const now = group === null ? from : agents.living(group);
    if (to === now) return null;
    const replaces = inputs === null;
    if (to > now) this.#grow(turn, team, {more: to - now, group, by: why === 'asked' ? 'groups' : 'queue', replaces});
    else this.#shrink(turn, team, {fewer: now - to, group});
    const decision = {from, to: agents.livingInAll, why, inputs};
    if (decision.to !== from) turn.emit(team.id, {type: 'team-scaled', decision});
    const extra = (group === null ? decision.to : agents.living(group)) - to;
    // The auto-scaler asks again and again, and nobody waits for its answer.
    if (extra > 0 && inputs === null) turn.emit(team.id, {type: 'team-warning', text: stayText(extra)});
    return decision;
  }

  /** It leaves for good: at once, with what it has going to others (`kill`), or when that is done (`drain`). */
  dismiss(turn: Turn, team: Team, agent: Agent, how: 'kill' | 'drain'): void {
    if (how === 'kill') {
      const isAtWork = agent.load > 0;
      team.agents.remove(agent);
      this.#note(turn, team, [agent], 'gone');
      // It departs when what it has is over; that it is gone has been told then.
      if (isAtWork) this.#told.add(agent);
      this.#stop(turn, team, agent);
      return;
    }
    if (agent.standing !== 'gone') team.agents.dismiss(agent);
    this.#note(turn, team, [agent], 'draining');
    this.#tellPauses(turn, team, agent);
  }

  /** What it has goes to others; then it is opened anew, unless its host is about to open it just now. */
  restart(turn: Turn, team: Team, agent: Agent): void {
    if (!this.#isBeingOpened(agent)) team.agents.restart(agent);
    turn.emit(team.id, {type: 'agents-changed', agents: [agent.id], to: 'restarted'});
    this.#stop(turn, team, agent);
  }

  pause(turn: Turn, team: Team, agent: Agent): void {
    if (agent.standing !== 'present') return;
    team.agents.pause(agent);
    this.#note(turn, team, [agent], 'paused');
    this.#tellPauses(turn, team, agent);
  }

  resume(turn: Turn, team: Team, agent: Agent): void {
    if (agent.standing !== 'paused') return;
    team.agents.takeBack(agent);
    this.#note(turn, team, [agent], 'present');
    this.#tellPauses(turn, team, agent);
  }

  /** To be called once a turn: records who has left, and has their hosts close them and open those that were restarted. */
  follow(turn: Turn, team: Team): void {
    const departed = team.agents.takeDeparted();
    if (departed.length > 0) {
      this.#record(turn, team, departed);
      const news = departed.filter(agent => !this.#told.delete(agent));
      if (news.length > 0) turn.emit(team.id, {type: 'agents-changed', agents: idsOf(news), to: 'gone'});
      this.#pool.closeAgents(turn, team, departed);
    }
    const restarted = team.agents.takeRestarted().filter(({standing}) => standing !== 'gone');
    if (restarted.length > 0) this.#pool.reopenAgents(turn, team, restarted);
  }

  /** To be called at the end of a turn: tells who is left out, tried again, or given tasks as before. */
  tellBreakers(turn: Turn, {id, agents}: Team): void {
    for (const agent of agents.takeJudged()) {
      const breaker = agents.selector.breakerOf(agent.id);
      const {name: state, trips} = breaker;
      const forMs = breaker.name === 'open' ? Math.round(breaker.untilMs - turn.now.monoMs) : null;
      turn.emit(id, {type: 'agent-breaker', agent: agent.id, state, forMs, trips});
    }
  }

  /** A second opening would be taken for done when the host says that of the first. */
  #isBeingOpened({host, isReachable, runtime, load}: Agent): boolean {
    return load === 0 && !isReachable && runtime === 'works' && this.#pool.isConnected(host);
  }

  #grow(
    turn: Turn,
    team: Team,
    {more, group, by, replaces}: {more: number; group: number | null; by: 'queue' | 'groups'; replaces: boolean},
  ): void {
    const {agents} = team;
    for (const agent of agents.all.filter(({state}) => state === 'gone')) {
      if (replaces && (group === null || agent.group === group)) agents.remove(agent);
    }
    const growth = group === null ? growthOf(team, {more, weights: weightsOf(team, by)}) : [];
    const changed: Agent[] = [];
    for (const index of agents.groups.keys()) {
      const wanted = group === null ? (growth[index] ?? 0) : index === group ? more : 0;
      const leaving = agents.all.filter(agent => {
        return agent.group === index && agent.standing === 'draining' && !agent.isDismissed;
      });
      const back = leaving.slice(0, wanted);
      for (const agent of back) agents.takeBack(agent);
      changed.push(...back, ...agents.add(index, wanted - back.length));
    }
    this.#record(turn, team, changed);
    for (const agent of changed) this.#tellPauses(turn, team, agent);
    this.#pool.house(team);
  }

  #shrink(turn: Turn, team: Team, {fewer, group}: {fewer: number; group: number | null}): void {
    const leavers = leaversOf(team, {fewer, group});
    for (const agent of leavers) team.agents.drain(agent);
    const busy = leavers.filter(({load}) => load > 0);
    if (busy.length > 0) this.#record(turn, team, busy);
    for (const agent of busy) this.#tellPauses(turn, team, agent);
  }

  #note(turn: Turn, team: Team, agents: readonly Agent[], to: AgentStanding): void {
    this.#record(turn, team, agents);
    if (agents.some(({load}) => load > 0) || to === 'paused' || to === 'present') {
      turn.emit(team.id, {type: 'agents-changed', agents: idsOf(agents), to});
    }
  }

  #record(turn: Turn, team: Team, agents: readonly Agent[]): void {
    const rows = agents.map(({id, group, standing, isDismissed}) => {
      return {id, group, standing: standing === 'draining' && isDismissed ? ('dismissed' as const) : standing};
    });
    turn.record({kind: 'agents', teamId: team.id, agents: rows});
  }

  #stop(turn: Turn, team: Team, agent: Agent): void {
    const attempts = [...team.attempts.values()].filter(attempt => attempt.agent === agent);
    stopAttempts(turn, attempts, {by: 'agent-killed', reach: this.#pool});
  }

  #tellPauses(turn: Turn, team: Team, agent: Agent): void {
    if (agent.load === 0) return;
    tellPauses(
      turn,
      [...team.attempts.values()].filter(attempt => attempt.agent === agent),
      this.#pool,
    );
  }
}

function idsOf(agents: readonly Agent[]): readonly AgentId[] {
  return agents.map(({id}) => id);
}

function stayText(extra: number): string {
  const more = extra === 1 ? 'One agent stays' : `${extra} agents stay`;
  return `${more} beyond what was asked for: ${extra === 1 ? 'it is' : 'they are'} the last with skills that unfinished tasks need.`;
}
