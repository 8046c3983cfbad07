import {type Random, seededRandom} from '../base/random.ts';
import type {AgentGroup, ModelChoice} from '../model/agent.ts';
import type {SelectionWhy} from '../model/explanation.ts';
import type {AgentId, HostId} from '../model/ids.ts';
import type {StrategyChoice} from '../model/strategy.ts';
import {type AgentRecord, NOTHING_KNOWN, noteFault, noteOutcome, noteUse, type Use} from './agent-record.ts';
import {type Anomaly, anomaliesOf} from './anomalies.ts';
import {allowance, type Breaker, BREAKER_RULES, type BreakerRules, CLOSED} from './circuit-breaker.ts';
import {affordable, type CostWish} from './cost-choice.ts';
import type {SelectionRules} from './ejection-rules.ts';
import {Ejections, type Judged, type Verdict} from './ejections.ts';
import {type Kind, Learned} from './learned.ts';
import {EJECTION_RULES, type EjectionRules} from './outlier-ejection.ts';
import {SkillIndex} from './skill-index.ts';
import {freeIn} from './strategies/compare.ts';
import {FreeList} from './strategies/free-list.ts';
import {type Choice, type Contestant, NO_PRIOR, type Pool, type Prior, type Strategy} from './strategies/strategy.ts';
import {strategyOf} from './strategies/strategy-of.ts';

/** An agent that can be chosen; its owner changes it and says so by `offer` and `withdraw`. */
export interface Selectable {
  readonly id: AgentId;
  /** Index of its group in the team. */
  readonly group: number;
  readonly slots: number;
  /** Attempts it is at work on. */
  readonly load: number;
  readonly host: HostId | null;
}

export interface AgentSelectorOptions {
  readonly groups: readonly AgentGroup[];
  /** Default: `weighted`. */
  readonly strategy?: StrategyChoice | Strategy;
  /** Default: the same numbers each time. */
  readonly random?: Random;
  readonly breaker?: BreakerRules;
  /** Null: whoever fails is never left out. */
  readonly ejection?: EjectionRules | null;
}

/** What an agent is wanted for. */
export interface TakeRequest extends CostWish {
  readonly nowMs: number;
  /** Groups whose agents may do it, and how much of their provider's account is in use, 0 to 1. */
  readonly candidates: readonly {readonly group: number; readonly crowding?: number}[];
  readonly kind: Kind;
  /** Tasks with the same one go to the same agent, for strategies that know that. */
  readonly affinity: string;
  /** Who is passed over as long as anybody else can do it, and why. */
  readonly avoid?: ReadonlyMap<AgentId, string>;
  /** Who is not chosen whatever happens, and why. */
  readonly barred?: ReadonlyMap<AgentId, string>;
}

export interface Selection<A> {
  readonly agent: A;
  readonly why: SelectionWhy;
}

/** What `selectAgent` is asked in the words of a person. */
export interface AgentQuery extends CostWish {
  readonly task: {readonly id: string; readonly affinity?: string};
  readonly requiredSkills?: readonly string[];
  readonly nowMs?: number;
}

/** How an attempt of an agent ended. */
export interface Ended {
  readonly task: string;
  readonly kind: Kind;
  readonly verdict: Verdict;
  readonly durationMs: number;
  /** Null: unknown. */
  readonly usd: number | null;
  readonly nowMs: number;
  /** What did it, where that is not what the agent usually does it with. */
  readonly choice?: ModelChoice;
}

/**
 * Chooses the agents of one team: keeps who is free, learns from how attempts end, leaves out who fails too often, and lets the
 * team's strategy compare the rest. It never looks at the whole team for one choice.
 */
export class AgentSelector<A extends Selectable> {
  readonly #groups: readonly AgentGroup[];
  readonly #random: Random;
  readonly #free: readonly FreeList<Contestant>[];
  readonly #skills: SkillIndex;
  readonly #members = new Map<AgentId, Member<A>>();
  readonly #hosts = new Map<HostId, HostCount>();
  readonly #ejections: Ejections<Member<A>> | null;
  readonly learned = new Learned();
  readonly #priors: ({readonly kind: string; readonly atMs: number; readonly prior: Prior} | undefined)[] = [];
  #strategy: Strategy;
  #latestMs = 0;
  #turn = 0;

  constructor({
    groups,
    strategy = {name: 'weighted'},
    random = seededRandom(1),
    breaker = BREAKER_RULES,
    ejection = EJECTION_RULES,
  }: AgentSelectorOptions) {
    this.#groups = groups;
    this.#random = random;
    this.#free = groups.map(() => new FreeList<Contestant>());
    this.#skills = new SkillIndex(groups);
    this.#ejections = ejection && new Ejections({groups, rules: ejection, breakerRules: breaker});
    this.#strategy = 'choose' in strategy ? strategy : strategyOf(strategy, random);
  }

  /** Another strategy from now on. What has been learned stays. */
  use(choice: StrategyChoice): void {
    this.#strategy = strategyOf(choice, this.#random);
    for (const member of this.#members.values()) this.#strategy.join(member);
  }

  /** Other rules for leaving agents out from now on, unless nobody ever is. */
  judgeBy(rules: SelectionRules): void {
    this.#ejections?.use(rules);
  }

  /** The agent can be given attempts as far as it has slots for them. To be called again whenever its load or host changes. */
  offer(agent: A): void {
    const member = this.#memberOf(agent);
    member.isOffered = true;
    this.#refresh(member);
  }

  /** The agent is not to be given anything, for whatever reason. Likewise. */
  withdraw(agent: A): void {
    const member = this.#members.get(agent.id);
    if (!member) return;
    member.isOffered = false;
    this.#refresh(member);
  }

  /** The agent is gone for good. */
  remove({id}: A): void {
    const member = this.#members.get(id);
    if (!member) return;
    this.#free[member.group]?.remove(member);
    this.#members.delete(id);
    this.#ejections?.leave(member);
    this.#strategy.leave(member);
    member.forget();
  }

  /** Attempts that the agent could be given now. */
  freeSlots({id}: A): number {
    return this.#members.get(id)?.freeSlots ?? 0;
  }

  /** The agent for a task, or null when nobody who may do it is free. The caller occupies it and offers it again. */
  take(request: TakeRequest): Selection<A> | null {
    const barred = request.barred ? this.#takeOut(request.barred) : [];
    const selection = this.#choose(request);
    for (const member of barred) this.#free[member.group]?.add(member);
    if (!selection) return null;
    const member = this.#members.get(selection.agent.id);
    if (!member) return selection;
    this.#turn += 1;
    member.turn = this.#turn;
    this.#ejections?.started(member, request.nowMs);
    return selection;
  }

  /** Whom `take` would choose, found by skill. */
  selectAgent({task, requiredSkills = [], nowMs = this.#latestMs, ...wish}: AgentQuery): Selection<A> | null {
    const candidates = this.#skills.groupsWith(requiredSkills).map(group => ({group}));
    const kind = {name: requiredSkills.join(' '), skills: requiredSkills};
    return this.#choose({nowMs, candidates, kind, affinity: task.affinity ?? task.id, ...wish});
  }

  /** Learns from the end of an attempt. Returns the agents that may now have more or fewer attempts than before. */
  ended({id}: A, {task, kind, verdict, durationMs, usd, nowMs, choice}: Ended): readonly A[] {
    this.#latestMs = Math.max(this.#latestMs, nowMs);
    const member = this.#members.get(id);
    if (!member) return [];
    const group = {...this.#groupOf(member), ...choice};
    if (verdict !== 'none') {
      const usualMs = this.learned.usualMs(kind.name);
      const outcome = {ok: verdict === 'succeeded', durationMs, usualMs, usd};
      member.record = noteOutcome(member.record, outcome, nowMs);
      this.learned.note(group, kind, {outcome, nowMs});
    }
    if (!this.#ejections) {
      if (verdict === 'perhaps') this.#blame(member, {kind, share: 0.5, nowMs});
      return [];
    }
    const {guilty, failure, changed} = this.#ejections.ended(member, {task, verdict, nowMs});
    if (failure === 'open') this.#blame(member, {kind, share: 0.5, nowMs});
    for (const one of guilty) this.#blame(one, {kind, share: 1, nowMs});
    return this.#refreshed(changed);
  }

  /** Learns from what happened before this life of the daemon. Nobody is left out for it: whoever fails again is found out soon. */
  relearn(agent: A, {kind, verdict, durationMs, usd, nowMs, choice}: Ended): void {
    if (verdict === 'none') return;
    const member = this.#memberOf(agent);
    const group = {...this.#groupOf(member), ...choice};
    const outcome = {ok: verdict === 'succeeded', durationMs, usualMs: this.learned.usualMs(kind.name), usd};
    member.record = noteOutcome(member.record, outcome, nowMs);
    this.learned.note(group, kind, {outcome, nowMs});
    if (verdict === 'perhaps') this.#blame(member, {kind, share: 0.5, nowMs});
  }

  /** Lets agents be tried again whose time of being left out is over. Returns those that may now have more attempts. */
  wake(nowMs: number): readonly A[] {
    this.#latestMs = Math.max(this.#latestMs, nowMs);
    return this.#ejections ? this.#refreshed(this.#ejections.wake(nowMs)) : [];
  }

  /** Lets all be tried again who are left out: nobody else is there. Returns them. */
  relent(nowMs: number): readonly A[] {
    return this.#ejections ? this.#refreshed(this.#ejections.relent(nowMs)) : [];
  }

  /** Attempts that the agent may have at a time, as things are with it. */
  allowanceOf({id, slots}: A): number {
    return allowance(this.breakerOf(id), slots);
  }

  /** When `wake` has something to do (monotonic); null: not before something else happens. */
  nextDueMs(): number | null {
    return this.#ejections?.nextDueMs() ?? null;
  }

  /** What is known of an agent. */
  recordOf(id: AgentId): AgentRecord {
    return this.#members.get(id)?.record ?? NOTHING_KNOWN;
  }

  breakerOf(id: AgentId): Breaker {
    return this.#members.get(id)?.breaker ?? CLOSED;
  }

  /** How often it has been left out. */
  tripsOf(id: AgentId): number {
    return this.#members.get(id)?.trips ?? 0;
  }

  /** How often anybody has, also who has gone. */
  get trips(): number {
    return this.#ejections?.trips ?? 0;
  }

  /** What the attempts of an agent use while they run. */
  used(id: AgentId, use: Use, nowMs: number): void {
    const member = this.#members.get(id);
    if (member) member.record = noteUse(member.record, use, nowMs);
  }

  /** In what an agent stands out from the others of its group, as last compared. */
  anomaliesOf(id: AgentId): readonly Anomaly[] {
    return this.#members.get(id)?.anomalies ?? [];
  }

  /** Compares the agents of each group with one another. Returns what was not so before; whom it is about is chosen less from now on. */
  compareAll(): readonly Anomaly[] {
    const groups = this.#groups.map((): Member<A>[] => []);
    for (const member of this.#members.values()) groups[member.group]?.push(member);
    return groups.flatMap(members => {
      const found = new Map<AgentId, Anomaly[]>();
      for (const anomaly of anomaliesOf(members)) {
        found.set(anomaly.agent, [...(found.get(anomaly.agent) ?? []), anomaly]);
      }
      return members.flatMap(member => member.standsOut(found.get(member.id) ?? NONE));
    });
  }

  #choose(request: TakeRequest): Selection<A> | null {
    const {nowMs, candidates, kind, affinity, preferredCost, avoid} = request;
    this.#latestMs = Math.max(this.#latestMs, nowMs);
    const all = candidates.flatMap(candidate => this.#poolOf(candidate, kind, nowMs));
    const asked = {nowMs, affinity, ...(preferredCost ? {preferredCost} : {})};
    const free = freeIn(all);
    if (free === 0) return null;
    const passed = avoid ? this.#passOver(avoid, all) : [];
    const pools = affordable(all, request);
    const choice = this.#strategy.choose(pools, asked);
    for (const member of passed) this.#free[member.group]?.add(member);
    if (choice) return this.#selection(choice, {free, passed, avoid, candidates});
    // Only those are free that are better passed over: to wait for others might be to wait for ever.
    const any = this.#strategy.choose(affordable(all, request), asked);
    return any && this.#selection(any, {free, passed: [], avoid: undefined, candidates});
  }

  #takeOut(barred: ReadonlyMap<AgentId, string>): readonly Member<A>[] {
    return [...barred.keys()].flatMap(id => {
      const member = this.#members.get(id);
      return member && this.#free[member.group]?.remove(member) ? [member] : [];
    });
  }

  #passOver(avoid: ReadonlyMap<AgentId, string>, pools: readonly Pool[]): Member<A>[] {
    return [...avoid.keys()].flatMap(id => {
      const member = this.#members.get(id);
      return member && pools.some(({free}) => free.remove(member)) ? [member] : [];
    });
  }

  #selection(
    {chosen, compared}: Choice,
    {
      free,
      passed,
      avoid,
      candidates,
    }: Pick<TakeRequest, 'candidates'> & {
      free: number;
      passed: readonly Member<A>[];
      avoid: TakeRequest['avoid'];
    },
  ): Selection<A> {
    const member = this.#members.get(chosen.id);
    if (!member) throw new Error(`Internal error: ${chosen.id} was chosen and is not in the team`);
    const why: SelectionWhy = {
      strategy: this.#strategy.name,
      candidates: free,
      compared: compared.map(({contestant, score}) => ({agent: contestant.id, score: Math.round(score * 1e4) / 1e4})),
      avoided: [
        ...passed.map(({id}) => ({agent: id, why: avoid?.get(id) ?? ''})),
        ...this.#leftOut(candidates).map(({id}) => ({agent: id, why: 'it has failed too often lately'})),
      ].slice(0, MOST_AVOIDED),
    };
    return {agent: member.agent, why};
  }

  #leftOut(candidates: TakeRequest['candidates']): readonly Member<A>[] {
    if (!this.#ejections || this.#ejections.ejected.size === 0) return [];
    return [...this.#ejections.ejected].filter(
      ({group, freeSlots, breaker}) =>
        breaker.name === 'open' && freeSlots === 0 && candidates.some(candidate => candidate.group === group),
    );
  }

  #poolOf({group: index, crowding = 0}: TakeRequest['candidates'][number], kind: Kind, nowMs: number): Pool[] {
    const free = this.#free[index];
    const group = this.#groups[index];
    if (!free || !group || free.size === 0) return [];
    return [{free, prior: this.#priorOf(index, kind, nowMs), costPerHour: group.costPerHour, crowding}];
  }

  /** What to expect changes slowly: it is worked out anew once a second. */
  #priorOf(index: number, kind: Kind, nowMs: number): Prior {
    const known = this.#priors[index];
    if (known?.kind === kind.name && nowMs - known.atMs < PRIOR_HOLDS_MS && nowMs >= known.atMs) return known.prior;
    const group = this.#groups[index];
    if (!group) return NO_PRIOR;
    const prior = this.learned.prior(group, kind, nowMs);
    this.#priors[index] = {kind: kind.name, atMs: nowMs, prior};
    return prior;
  }

  #blame(member: Member<A>, {kind, share, nowMs}: {kind: Kind; share: 0.5 | 1; nowMs: number}): void {
    member.record = noteFault(member.record, share, nowMs);
    this.learned.noteFault(this.#groupOf(member), kind, {share, nowMs});
  }

  #refreshed(members: readonly Member<A>[]): readonly A[] {
    for (const member of members) this.#refresh(member);
    return members.map(({agent}) => agent);
  }

  /** Puts the agent where it belongs after whatever has changed. */
  #refresh(member: Member<A>): void {
    member.countOn(this.#hosts);
    const free = this.#free[member.group];
    if (member.freeSlots > 0) free?.add(member);
    else free?.remove(member);
  }

  #memberOf(agent: A): Member<A> {
    const known = this.#members.get(agent.id);
    if (known) return known;
    this.#turn += 1;
    const member = new Member(agent, this.#turn);
    this.#members.set(agent.id, member);
    this.#ejections?.join(member);
    this.#strategy.join(member);
    return member;
  }

  #groupOf({id, group}: Member<A>): AgentGroup {
    const found = this.#groups[group];
    if (!found) throw new Error(`Internal error: agent ${id} belongs to no group`);
    return found;
  }
}

const PRIOR_HOLDS_MS = 1000;
const NONE: readonly Anomaly[] = [];
/** What somebody who stands out from the others does counts so many times. */
const HANDICAP = 1.5;
/** As many are told of in the reason of a choice. */
const MOST_AVOIDED = 5;

/** An agent with what the selector keeps of it. */
class Member<A extends Selectable> implements Contestant, Judged {
  readonly agent: A;
  readonly id: AgentId;
  readonly group: number;
  readonly slots: number;
  record: AgentRecord = NOTHING_KNOWN;
  breaker: Breaker = CLOSED;
  trips = 0;
  anomalies: readonly Anomaly[] = NONE;
  handicap = 1;
  burden = 1;
  isOffered = false;
  turn: number;
  countedOn: HostCount | null = null;
  #countedLoad = 0;

  constructor(agent: A, turn: number) {
    this.turn = turn;
    this.agent = agent;
    this.id = agent.id;
    this.group = agent.group;
    this.slots = agent.slots;
  }

  get load(): number {
    return this.agent.load;
  }

  /** Returns what was not so before. */
  standsOut(anomalies: readonly Anomaly[]): readonly Anomaly[] {
    const before = this.anomalies;
    this.anomalies = anomalies;
    this.handicap = anomalies.length > 0 ? HANDICAP : 1;
    this.burden = anomalies.some(({what}) => what === 'memory' || what === 'output') ? HANDICAP : 1;
    return anomalies.filter(({what}) => !before.some(known => known.what === what));
  }

  get hostLoad(): number {
    return this.countedOn ? this.countedOn.load / this.countedOn.agents : this.load;
  }

  /** Counts what it does on the host it is on now. */
  countOn(hosts: Map<HostId, HostCount>): void {
    const {host, load} = this.agent;
    const counted: HostCount | null = this.countedOn;
    if ((counted === null ? null : counted.host) !== host) {
      this.countedOn?.leave(this.#countedLoad);
      this.countedOn = host === null ? null : hostCount(hosts, host);
      this.countedOn?.enter(load);
    } else this.countedOn?.change(load - this.#countedLoad);
    this.#countedLoad = load;
  }

  /** It is gone: its host has one agent less. */
  forget(): void {
    this.countedOn?.leave(this.#countedLoad);
    this.countedOn = null;
  }

  get freeSlots(): number {
    return this.isOffered ? Math.max(0, Math.min(this.slots, allowance(this.breaker, this.slots)) - this.load) : 0;
  }
}

/** What the agents on a host do together. */
class HostCount {
  readonly host: HostId;
  load = 0;
  agents = 0;

  constructor(host: HostId) {
    this.host = host;
  }

  enter(load: number): void {
    this.agents += 1;
    this.load += load;
  }

  leave(load: number): void {
    this.agents -= 1;
    this.load -= load;
  }

  change(by: number): void {
    this.load += by;
  }
}

function hostCount(hosts: Map<HostId, HostCount>, host: HostId): HostCount {
  const known = hosts.get(host);
  if (known) return known;
  const made = new HostCount(host);
  hosts.set(host, made);
  return made;
}
