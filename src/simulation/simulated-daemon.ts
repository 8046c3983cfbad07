import type {Effect, Input, MergeRequest, RequestId, Step} from '../federation/engine-io.ts';
import type {HostId, TeamId} from '../model/ids.ts';
import type {ProviderSignal} from '../model/provider.ts';
import type {EngineRecord, HostRecord, StoredTeam} from '../model/record.ts';
import {describeEffect, describeEvent, describeInput, describeRecord} from './describe.ts';
import type {Dice} from './dice.ts';
import type {EngineFactory, EngineUnderTest} from './engine-under-test.ts';
import type {Faults, Tally} from './faults.ts';
import type {Invariants} from './invariants.ts';
import {type HostMessage, Link, type LinkEnd} from './link.ts';
import type {SimulatedBranch} from './simulated-branch.ts';
import type {SimulatedHost} from './simulated-host.ts';
import type {SimulatedStore} from './simulated-store.ts';
import type {Trace} from './trace.ts';
import {hold, Violation} from './violation.ts';
import type {VirtualTime} from './virtual-time.ts';

/** What a daemon must do in this order; broken variants do otherwise. */
export interface DaemonHabits {
  readonly effectsBeforeCommit: boolean;
  readonly acknowledgesBeforeCommit: boolean;
  /** Probability that a commit is skipped and nobody notices. */
  readonly forgetsCommit: number;
  /** Probability that a crash takes the newest transaction with it. */
  readonly losesCommit: number;
  /** Says that strays are gone without having looked. */
  readonly reapsNothing: boolean;
  /** Sends what was meant for one connection over whichever is there now. */
  readonly mixesConnections: boolean;
}

export const GOOD_HABITS: DaemonHabits = {
  effectsBeforeCommit: false,
  acknowledgesBeforeCommit: false,
  forgetsCommit: 0,
  losesCommit: 0,
  reapsNothing: false,
  mixesConnections: false,
};

export type Answer = Extract<Effect, {type: 'answer'}>['result'];

export interface DaemonWorld {
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly tally: Tally;
  readonly trace: Trace;
  readonly store: SimulatedStore;
  readonly invariants: Invariants;
  readonly makeEngine: EngineFactory;
  readonly habits: DaemonHabits;
  readonly faults: () => Faults;
  /** What the machine and the providers allow just now of so many attempts. */
  readonly permits: (want: number) => Extract<Input, {type: 'permits'}>;
  readonly branch: SimulatedBranch;
  readonly heardOfProvider: (signal: ProviderSignal) => void;
  /** Starts a host process, which will dial in by itself. */
  startHost(): SimulatedHost;
  host(id: HostId): SimulatedHost | undefined;
  readOutput(effect: Extract<Effect, {type: 'read-output'}>): Extract<Input, {type: 'output-read'}>;
}

interface Arrival {
  readonly input: Input;
  /** For what a host sent: over which connection, and the number to acknowledge. */
  readonly link?: Link;
  readonly number?: number;
}

interface Pending {
  readonly effect: Effect;
  readonly link: Link | undefined;
}

const CRASH_POINTS = [
  'before handling',
  'between inputs',
  'between handling and commit',
  'between commit and acknowledgements',
  'between acknowledgements and effects',
  'in the middle of the effects',
  'after the effects',
] as const;
type CrashPoint = (typeof CRASH_POINTS)[number];

/** Unwinds a batch whose daemon has just died. */
class Died extends Error {}

/** One life of the daemon after the other: inputs in, engine, commit, acknowledgements, effects; and death at any point. */
export class SimulatedDaemon implements LinkEnd<HostMessage> {
  readonly #world: DaemonWorld;
  #life = 0;
  #engine: EngineUnderTest | null = null;
  #queue: Arrival[] = [];
  #pumping = false;
  #wakeAtMs: number | null = null;
  #pausedUntilMs = 0;
  #want = 0;
  readonly #connections = new Map<HostId, Link>();
  /** Which host is at the other end; set when a link is dialled. */
  readonly #hostOf = new Map<Link, SimulatedHost>();
  /** Hosts whose death has yet to be noticed. */
  readonly #watched = new Map<HostId, HostRecord>();
  readonly #requests = new Map<RequestId, {answered(answer: Answer): void; lost(): void}>();

  constructor(world: DaemonWorld) {
    this.#world = world;
  }

  get engine(): EngineUnderTest | null {
    return this.#engine;
  }

  get isIdle(): boolean {
    return this.#engine !== null && this.#queue.length === 0 && this.#requests.size === 0;
  }

  /** Comes up with what the store has. */
  start(): void {
    if (this.#engine) return;
    const {store, invariants, makeEngine, time, trace, tally} = this.#world;
    const stored = store.load();
    trace.add('daemon', `starts with ${stored.teams.length} teams, ${stored.hosts.length} hosts`);
    invariants.daemonStarts(stored);
    const {engine, step} = makeEngine(stored, time.now());
    this.#engine = engine;
    tally.add('daemon starts');
    for (const host of stored.hosts) this.#watched.set(host.id, host);
    this.#guard(() => this.#batch([], step));
    this.#probe(this.#life);
  }

  crash(point: string): void {
    if (!this.#engine) return;
    const {tally, trace, invariants, store, habits, dice, time} = this.#world;
    tally.add(`daemon crash ${point}`);
    trace.add('daemon', `dies ${point}`);
    this.#life += 1;
    this.#engine = null;
    this.#queue = [];
    this.#pumping = false;
    this.#wakeAtMs = null;
    this.#want = 0;
    this.#watched.clear();
    this.#connections.clear();
    for (const link of this.#hostOf.keys()) link.break();
    this.#hostOf.clear();
    if (dice.chance(habits.losesCommit)) store.loseNewest();
    invariants.daemonDies();
    const lost = [...this.#requests.values()];
    this.#requests.clear();
    for (const request of lost) request.lost();
    time.after(dice.spread(50, 10_000), () => this.start());
  }

  pause(ms: number): void {
    this.#pausedUntilMs = Math.max(this.#pausedUntilMs, this.#world.time.now().monoMs + ms);
  }

  /** What the store has of a team, over or not. */
  loadTeam(id: TeamId): StoredTeam | null {
    return this.#world.store.loadTeam(id);
  }

  /** A client's request; false while there is no daemon. */
  request(
    input: Extract<Input, {request: RequestId}>,
    client: {answered(answer: Answer): void; lost(): void},
  ): boolean {
    if (!this.#engine) return false;
    this.#requests.set(input.request, client);
    this.submit({input});
    return true;
  }

  dial(host: SimulatedHost): Link | null {
    if (!this.#engine) return null;
    const {time, dice} = this.#world;
    const link = new Link({time, dice, host, daemon: this});
    this.#hostOf.set(link, host);
    return link;
  }

  receive(message: HostMessage, link: Link): void {
    const host = this.#hostOf.get(link);
    if (!host) return;
    switch (message.type) {
      case 'hello': {
        const {holds, agents, teams, paused, beats} = message;
        this.submit({input: {type: 'host-connected', host: host.record, holds, agents, teams, paused, beats}, link});
        return;
      }
      case 'report':
        this.submit({input: message.report, link, number: message.number});
        return;
      case 'remark':
        this.submit({input: message.remark, link});
        return;
      case 'reaped':
        this.submit({input: {type: 'strays-gone', hostId: host.record.id, attempts: message.attempts}, link});
    }
  }

  lost(link: Link): void {
    const host = this.#hostOf.get(link);
    if (!host) return;
    this.#hostOf.delete(link);
    this.submit({input: {type: 'host-disconnected', hostId: host.record.id}, link});
  }

  /** The machine or a provider allows more or less than before. */
  capacityChanged(): void {
    if (this.#engine) this.submit({input: this.#world.permits(this.#want)});
  }

  submit(arrival: Arrival): void {
    if (!this.#engine) return;
    this.#queue.push(arrival);
    if (this.#pumping) return;
    this.#pumping = true;
    const {time, dice} = this.#world;
    const life = this.#life;
    const dueMs = Math.max(this.#pausedUntilMs, time.now().monoMs + dice.spread(0.02, 5));
    time.at(dueMs, () => {
      if (life !== this.#life) return;
      this.#pumping = false;
      this.#guard(() => this.#batch(this.#reordered(this.#queue.splice(0)), null));
    });
  }

  #guard(act: () => void): void {
    try {
      act();
    } catch (error) {
      if (!(error instanceof Died)) throw error;
    }
  }

  /** All that has arrived, one by one through the engine, then one commit, then everything that follows from it. */
  #batch(arrivals: readonly Arrival[], restored: Step | null): void {
    const {dice, faults, habits, tally} = this.#world;
    // Signs of life are so many that nothing else would happen.
    const isLife = arrivals.length > 0 && arrivals.every(({input}) => input.type === 'vitals');
    const point = !isLife && dice.chance(faults().daemonCrash) ? dice.pick(CRASH_POINTS) : null;
    const between = dice.whole(0, arrivals.length);
    const dieAt = (here: CrashPoint) => {
      if (point !== here) return;
      this.crash(here);
      throw new Died();
    };
    dieAt('before handling');
    const records: EngineRecord[] = [];
    const effects: Pending[] = [];
    if (restored) this.#digest(null, restored, {records, effects});
    for (const [index, arrival] of arrivals.entries()) {
      if (index === between) dieAt('between inputs');
      this.#handle(arrival, {records, effects});
    }
    tally.add('batches');
    dieAt('between handling and commit');
    const commit = () => {
      if (!dice.chance(habits.forgetsCommit)) this.#commit(records);
    };
    const acknowledge = () => this.#acknowledge(arrivals);
    const perform = () => {
      const middle = dice.whole(0, effects.length);
      for (const [index, pending] of effects.entries()) {
        if (index === middle) dieAt('in the middle of the effects');
        this.#perform(pending);
      }
    };
    if (habits.effectsBeforeCommit) perform();
    if (habits.acknowledgesBeforeCommit) acknowledge();
    commit();
    dieAt('between commit and acknowledgements');
    if (!habits.acknowledgesBeforeCommit) acknowledge();
    dieAt('between acknowledgements and effects');
    if (!habits.effectsBeforeCommit) perform();
    dieAt('after the effects');
    this.#setAlarm();
  }

  #handle(arrival: Arrival, batch: {records: EngineRecord[]; effects: Pending[]}): void {
    const {input, link} = arrival;
    if (input.type === 'host-connected') {
      const before = this.#connections.get(input.host.id);
      if (before && this.#world.dice.chance(0.5)) {
        this.#run({type: 'host-disconnected', hostId: input.host.id}, batch);
      }
      if (link) this.#connections.set(input.host.id, link);
      this.#watched.set(input.host.id, input.host);
    }
    if (input.type === 'host-disconnected') {
      if (this.#connections.get(input.hostId) !== link) return;
      this.#connections.delete(input.hostId);
    }
    this.#run(input, batch);
  }

  #run(input: Input, batch: {records: EngineRecord[]; effects: Pending[]}): void {
    const engine = this.#engine;
    if (!engine) throw new Died();
    const {time, trace, tally} = this.#world;
    if (input.type !== 'vitals') trace.add('in', describeInput(input));
    tally.add('inputs handled');
    let step: Step;
    try {
      step = engine.handle(input, time.now());
    } catch (error) {
      const detail = error instanceof Error ? (error.stack ?? error.message) : String(error);
      throw new Violation('the engine never throws', `${describeInput(input)}: ${detail}`);
    }
    this.#digest(input, step, batch);
  }

  #digest(input: Input | null, step: Step, {records, effects}: {records: EngineRecord[]; effects: Pending[]}): void {
    const {trace, tally, invariants} = this.#world;
    for (const record of step.records) {
      const line = describeRecord(record);
      if (line !== null) trace.add('record', line);
      else if (record.kind === 'event') tally.add(describeEvent(record.event.body));
    }
    if (this.#engine) invariants.handled(input, step, this.#engine);
    records.push(...step.records);
    for (const effect of step.effects) {
      const link = 'hostId' in effect ? this.#connections.get(effect.hostId) : undefined;
      effects.push({effect, link});
    }
  }

  #commit(records: readonly EngineRecord[]): void {
    this.#world.store.commit(records);
    this.#world.invariants.committed();
  }

  #acknowledge(arrivals: readonly Arrival[]): void {
    const {dice, faults, invariants, tally} = this.#world;
    for (const {input, link, number} of arrivals) {
      if (link === undefined || number === undefined || !link.isOpen) continue;
      if (dice.chance(faults().ackLost)) {
        tally.add('fault: acknowledgement lost');
        continue;
      }
      invariants.acknowledges(input);
      link.toHost({type: 'ack', number});
    }
  }

  #perform({effect, link}: Pending): void {
    const {trace, invariants, tally, time, dice, faults, habits} = this.#world;
    trace.add('effect', describeEffect(effect));
    tally.add(`effect: ${effect.type}`);
    invariants.performs(effect);
    const life = this.#life;
    const later = (ms: number, act: () => void) => {
      time.after(ms, () => {
        if (life === this.#life) act();
      });
    };
    switch (effect.type) {
      case 'answer': {
        const request = this.#requests.get(effect.request);
        hold('every request is answered once', request !== undefined, () => `request ${effect.request}`);
        this.#requests.delete(effect.request);
        request.answered(effect.result);
        return;
      }
      case 'start-host': {
        const {machineId} = effect;
        if (dice.chance(faults().hostStartFailure)) {
          tally.add('fault: host did not start');
          later(dice.spread(5, 500), () => {
            this.submit({input: {type: 'host-start-failed', machineId, detail: 'simulated'}});
          });
          return;
        }
        this.#watchStart(this.#world.startHost(), machineId);
        return;
      }
      case 'kill-host':
        time.after(dice.spread(1, 500), () => {
          this.#world.host(effect.hostId)?.crash();
          tally.add('silent host killed');
        });
        return;
      case 'probe-host':
        later(dice.spread(0.5, 50), () => {
          const probe = this.#world.host(effect.hostId)?.probe() ?? {state: 'gone', cpuMs: null};
          this.submit({input: {type: 'host-probed', hostId: effect.hostId, probe}});
        });
        return;
      case 'read-output':
        later(dice.spread(1, 300), () => this.submit({input: this.#world.readOutput(effect)}));
        return;
      case 'want-permits':
        this.#want = effect.want;
        later(dice.spread(0.1, 50), () => this.capacityChanged());
        return;
      case 'merge':
        return this.#merge(effect.request, later);
      case 'provider-signal':
        this.#world.heardOfProvider(effect.signal);
        return;
      case 'forget-team':
      case 'team-over':
        return;
      case 'reap':
        if (habits.reapsNothing) {
          this.submit({input: {type: 'strays-gone', hostId: effect.hostId, attempts: effect.attempts}});
          return;
        }
        link?.toHost(effect);
        return;
      default:
        (habits.mixesConnections ? this.#connections.get(effect.hostId) : link)?.toHost(effect);
    }
  }

  /** Is done at some moment or, if the daemon dies before, not; and the daemon may die before it hears of it. */
  #merge(request: MergeRequest, later: (ms: number, act: () => void) => void): void {
    const {dice, branch} = this.#world;
    const {teamId, task, attempt} = request;
    later(dice.spread(1, 3000), () => {
      const result = branch.merge(request);
      later(dice.spread(1, 1000), () => this.submit({input: {type: 'merge-ended', teamId, task, attempt, result}}));
    });
  }

  /** A host that dies before its first hello has failed to start. */
  #watchStart(host: SimulatedHost, machineId: string): void {
    const life = this.#life;
    const look = () => {
      if (life !== this.#life || this.#watched.has(host.record.id)) return;
      if (host.isAlive) this.#world.time.after(500, look);
      else this.submit({input: {type: 'host-start-failed', machineId, detail: 'exited'}});
    };
    look();
  }

  /** Looks again and again whether hosts that are not connected still live. */
  #probe(life: number): void {
    if (life !== this.#life) return;
    for (const id of [...this.#watched.keys()]) {
      if (this.#connections.has(id) || this.#world.host(id)?.isAlive) continue;
      this.#watched.delete(id);
      this.submit({input: {type: 'host-gone', hostId: id}});
    }
    this.#world.time.after(this.#world.dice.spread(50, 2000), () => this.#probe(life));
  }

  /** A tick when the engine's next deadline is due, and never before. */
  #setAlarm(): void {
    const {time, dice} = this.#world;
    const deadlineMs = this.#engine?.nextDeadlineMs() ?? null;
    if (deadlineMs === null || this.#wakeAtMs === deadlineMs) return;
    this.#wakeAtMs = deadlineMs;
    const life = this.#life;
    time.at(deadlineMs + dice.spread(0.01, 5), () => {
      if (life !== this.#life || this.#wakeAtMs !== deadlineMs) return;
      this.#wakeAtMs = null;
      this.submit({input: {type: 'tick'}});
    });
  }

  #reordered(arrivals: Arrival[]): Arrival[] {
    const {dice, faults, tally} = this.#world;
    const isReport = ({input: {type}}: Arrival) =>
      type === 'attempt-finished' || type === 'attempt-verifying' || type === 'attempt-session';
    if (arrivals.length < 2 || !arrivals.every(isReport) || !dice.chance(faults().reorder)) return arrivals;
    tally.add('fault: reports reordered');
    return dice.shuffled(arrivals);
  }
}
