import type {AgentGroup, AgentState} from '../model/agent.ts';
import {type AgentId, agentId, type HostId} from '../model/ids.ts';
import type {AgentRow} from '../model/record.ts';
import {type Agent, freeSlots, isLiving, stateOf} from './agent.ts';
import {
  AgentSelector,
  type AgentSelectorOptions,
  type Ended,
  type Selection,
  type TakeRequest,
} from './agent-selector.ts';

/**
 * The agents of one team: where they are, what they do, and which one is next. They begin as the groups of the team say and
 * may become more or fewer; the number of one that has gone is not given to another.
 */
export class TeamAgents {
  readonly groups: readonly AgentGroup[];
  readonly selector: AgentSelector<Agent>;
  readonly #team: string;
  readonly #width: number;
  readonly #all: Agent[] = [];
  readonly #byId = new Map<AgentId, Agent>();
  readonly #counts: Record<AgentState, number>;
  /** By group: free slots, agents that are there to stay, agents that have failed. */
  readonly #free: number[];
  readonly #living: number[];
  readonly #failed: number[];
  #freeInAll = 0;
  #working = 0;
  #lastNumber = 0;
  /** Agents that have left for good, and that are to be opened anew, since somebody last asked. */
  #departed: Agent[] = [];
  #restarted: Agent[] = [];
  /** Agents whose breaker has opened or closed since somebody last asked. */
  #judged = new Set<Agent>();

  constructor(team: string, groups: readonly AgentGroup[], options: Omit<AgentSelectorOptions, 'groups'>) {
    const count = groups.reduce((sum, group) => sum + group.count, 0);
    this.groups = groups;
    this.#team = team;
    this.#width = Math.max(2, String(count).length);
    this.#counts = {starting: 0, idle: 0, busy: 0, suspect: 0, paused: 0, draining: 0, gone: 0};
    this.selector = new AgentSelector({groups, ...options});
    this.#free = groups.map(() => 0);
    this.#living = groups.map(() => 0);
    this.#failed = groups.map(() => 0);
    for (const [group, {count: size}] of groups.entries()) this.add(group, size);
  }

  /** Those that have not left for good, in the order of their numbers. */
  get all(): readonly Agent[] {
    return this.#all;
  }

  count(state: AgentState): number {
    return this.#counts[state];
  }

  /** Agents that have an attempt, whatever their state. */
  get working(): number {
    return this.#working;
  }

  /** Attempts that the agents of a group could be given now. */
  free(group: number): number {
    return this.#free[group] ?? 0;
  }

  /** Attempts that any of them could be given now. */
  get freeInAll(): number {
    return this.#freeInAll;
  }

  /** Agents of a group that are there to stay, whether or not they can be given something just now. */
  living(group: number): number {
    return this.#living[group] ?? 0;
  }

  get livingInAll(): number {
    return this.#living.reduce((sum, count) => sum + count, 0);
  }

  get(id: AgentId): Agent | undefined {
    return this.#byId.get(id);
  }

  /** Whether that is one of its agents, or was. */
  hasHad(id: AgentId): boolean {
    const number = this.#numberOf(id);
    return Number.isInteger(number) && number > 0 && number <= this.#lastNumber && this.#idOf(number) === id;
  }

  groupOf(agent: Agent): AgentGroup {
    const group = this.groups[agent.group];
    if (!group) throw new Error(`Internal error: agent ${agent.id} belongs to no group`);
    return group;
  }

  /** Whether the agents of these groups do not work, all of them: there are some, and each has failed. */
  areGone(groups: readonly number[]): boolean {
    const failed = groups.some(group => (this.#failed[group] ?? 0) > 0);
    return failed && groups.every(group => this.living(group) === 0);
  }

  /** Whether the team has agents and each has failed. */
  get areAllGone(): boolean {
    return this.#all.length > 0 && this.#counts.gone === this.#all.length;
  }

  /** Agents that no host has been told of yet. */
  unplaced(): readonly Agent[] {
    return this.#all.filter(agent => agent.host === null && agent.load === 0 && agent.state !== 'gone');
  }

  /** So many more agents of a group, which need a host. */
  add(group: number, count: number): readonly Agent[] {
    return Array.from({length: count}, () => {
      this.#lastNumber += 1;
      return this.#enroll(this.#idOf(this.#lastNumber), group, 'present');
    });
  }

  place(agent: Agent, host: HostId): void {
    agent.host = host;
  }

  /** The host has acknowledged the agent and its runtime answers. */
  acknowledge(agent: Agent): void {
    if (agent.state !== 'gone' && !agent.isRestarting) this.#change(agent, {isReachable: true});
  }

  /** The agent's runtime does not work on its host, and this is what it says. */
  fail(agent: Agent, failedBecause: string): void {
    this.#change(agent, {runtime: 'broken', failedBecause});
  }

  /** The agent that is chosen among those that are free, at work on one attempt more from now on. */
  engage(request: TakeRequest): Selection<Agent> | null {
    const selection = this.selector.take(request);
    if (selection) this.occupy(selection.agent);
    return selection;
  }

  /** How an attempt ended that is over. Returns when somebody who is left out may be tried again, if that is news (monotonic). */
  learn(agent: Agent, ended: Ended): number | null {
    const changed = this.selector.ended(agent, ended);
    this.#allow(changed);
    return changed.length === 0 ? null : this.selector.nextDueMs();
  }

  /** Lets those be tried again whose time of being left out is over. */
  wake(nowMs: number): void {
    this.#allow(this.selector.wake(nowMs));
  }

  /** Lets all be tried again who are left out. Returns whether there are any. */
  relent(nowMs: number): boolean {
    const changed = this.selector.relent(nowMs);
    this.#allow(changed);
    return changed.length > 0;
  }

  #allow(agents: readonly Agent[]): void {
    for (const agent of agents) {
      this.#judged.add(agent);
      this.#change(agent, {allowance: this.selector.allowanceOf(agent)});
    }
  }

  occupy(agent: Agent): void {
    this.#change(agent, {load: agent.load + 1});
  }

  /** An attempt of the agent is over. `usable`: its host is connected and knows it. */
  release(agent: Agent, {usable}: {usable: boolean}): void {
    this.#change(agent, {load: agent.load - 1, isReachable: usable});
  }

  /** The host cannot be reached: its agents are not to be given anything. */
  suspend(host: HostId): void {
    for (const agent of this.#all) if (agent.host === host) this.#change(agent, {isReachable: false});
  }

  /** The host is gone: its agents need another one. */
  displace(host: HostId): void {
    for (const agent of this.#all) {
      if (agent.host !== host) continue;
      const runtime = agent.runtime === 'broken' ? 'works' : agent.runtime;
      this.#change(agent, {host: null, runtime, isReachable: false});
    }
  }

  /** It ends what it has and is gone then. */
  drain(agent: Agent): void {
    this.#change(agent, {standing: 'draining'});
  }

  /** The same, and nothing brings it back. */
  dismiss(agent: Agent): void {
    this.#change(agent, {standing: 'draining', isDismissed: true});
  }

  /** It is given nothing until it is taken back. */
  pause(agent: Agent): void {
    if (agent.standing === 'present') this.#change(agent, {standing: 'paused'});
  }

  /** Ends a pause, or lets one stay that was to leave. */
  takeBack(agent: Agent): void {
    if (agent.standing !== 'gone') this.#change(agent, {standing: 'present'});
  }

  /** For good. One that has attempts is there until they are over, which is somebody else's to see to. */
  remove(agent: Agent): void {
    this.#change(agent, {standing: 'gone'});
  }

  /** It is opened anew once it has no attempt; also one that has failed gets another chance. */
  restart(agent: Agent): void {
    this.selector.remove(agent);
    this.#change(agent, {isRestarting: true, isReachable: false, isSuspect: false, allowance: agent.slots});
  }

  /** Whether there are signs of trouble. */
  suspect(agent: Agent, isSuspect: boolean): void {
    if (agent.isSuspect !== isSuspect) this.#change(agent, {isSuspect});
  }

  /** Those that have left for good since this was last asked. */
  takeDeparted(): readonly Agent[] {
    if (this.#departed.length === 0) return NOBODY;
    const departed = this.#departed;
    this.#departed = [];
    return departed;
  }

  /** Those that are to be opened anew, and may be, since this was last asked. */
  takeRestarted(): readonly Agent[] {
    if (this.#restarted.length === 0) return NOBODY;
    const restarted = this.#restarted;
    this.#restarted = [];
    return restarted;
  }

  /** Those whose breaker has opened or closed since this was last asked. */
  takeJudged(): readonly Agent[] {
    if (this.#judged.size === 0) return NOBODY;
    const judged = [...this.#judged];
    this.#judged = new Set();
    return judged;
  }

  /** What the store has of agents that are not as the spec says. `busy`: those that have an attempt there. */
  restore(rows: readonly AgentRow[], busy: ReadonlySet<AgentId>): void {
    for (const {id, group, standing} of rows) {
      const number = this.#numberOf(id);
      if (number > this.#lastNumber) this.#lastNumber = number;
      const known = this.#byId.get(id);
      if (known) this.#withdraw(known);
      if (standing === 'present' || standing === 'paused' || busy.has(id)) this.#enroll(id, group, standing);
    }
    if (rows.length > 0) this.#all.sort((a, b) => a.id.length - b.id.length || (a.id < b.id ? -1 : 1));
  }

  #idOf(number: number): AgentId {
    return agentId(`${this.#team}-${String(number).padStart(this.#width, '0')}`);
  }

  #numberOf(id: AgentId): number {
    return Number(id.slice(this.#team.length + 1));
  }

  #enroll(id: AgentId, group: number, recorded: AgentRow['standing']): Agent {
    const standing = recorded === 'dismissed' ? 'draining' : recorded;
    const agent: Agent = {
      id,
      group,
      slots: this.groups[group]?.slots ?? 1,
      standing,
      state: 'starting',
      host: null,
      isReachable: false,
      load: 0,
      allowance: this.groups[group]?.slots ?? 1,
      runtime: 'works',
      failedBecause: null,
      isSuspect: false,
      isRestarting: false,
      isDismissed: recorded === 'dismissed',
    };
    // One that leaves and is restored has its attempts in a moment.
    agent.state = isLiving(agent) ? stateOf(agent) : 'draining';
    this.#all.push(agent);
    this.#byId.set(id, agent);
    this.#tally(agent, 1);
    return agent;
  }

  #withdraw(agent: Agent): void {
    this.#tally(agent, -1);
    this.#byId.delete(agent.id);
    this.selector.remove(agent);
    this.#all.splice(this.#all.indexOf(agent), 1);
  }

  /** The one place where an agent changes what is counted. */
  #change(agent: Agent, changes: Partial<Agent>): void {
    this.#tally(agent, -1);
    Object.assign(agent, changes);
    if (agent.load === 0) this.#atRest(agent);
    agent.state = stateOf(agent);
    this.#tally(agent, 1);
    if (freeSlots(agent) > 0) this.selector.offer(agent);
    else this.selector.withdraw(agent);
    if (agent.load > 0 || isLiving(agent) || agent.standing !== 'gone') return;
    this.#withdraw(agent);
    this.#departed.push(agent);
  }

  /** What waited for the end of its attempts. */
  #atRest(agent: Agent): void {
    if (agent.runtime === 'broken') agent.runtime = 'failed';
    if (agent.standing === 'draining') agent.standing = 'gone';
    if (!agent.isRestarting || agent.standing === 'gone') return;
    agent.isRestarting = false;
    agent.isReachable = false;
    agent.runtime = 'works';
    agent.failedBecause = null;
    this.#restarted.push(agent);
  }

  #tally(agent: Agent, sign: 1 | -1): void {
    const {group} = agent;
    const free = freeSlots(agent) * sign;
    this.#counts[agent.state] += sign;
    this.#free[group] = (this.#free[group] ?? 0) + free;
    this.#freeInAll += free;
    if (agent.load > 0) this.#working += sign;
    if (isLiving(agent)) this.#living[group] = (this.#living[group] ?? 0) + sign;
    else if (agent.runtime === 'failed') this.#failed[group] = (this.#failed[group] ?? 0) + sign;
  }
}

const NOBODY: readonly Agent[] = [];
