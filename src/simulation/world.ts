import {never} from '../base/never.ts';
import type {Assignment, Effect, Input} from '../federation/engine-io.ts';
import {type HostId, hostId} from '../model/ids.ts';
import type {ProviderSignal} from '../model/provider.ts';
import {isFinal} from '../model/team.ts';
import {UNKNOWN_USAGE} from '../model/usage.ts';
import {traitOf} from './agent-traits.ts';
import {Dice} from './dice.ts';
import type {EngineFactory} from './engine-under-test.ts';
import {drawFaults, type Faults, NO_FAULTS, Tally} from './faults.ts';
import {Invariants} from './invariants.ts';
import type {LedgerTask} from './ledger-entries.ts';
import {Ledger} from './ledger.ts';
import type {Behaviour} from './random-plan.ts';
import {type DaemonHabits, GOOD_HABITS, SimulatedDaemon} from './simulated-daemon.ts';
import {SimulatedBranch} from './simulated-branch.ts';
import {SimulatedHost} from './simulated-host.ts';
import {SimulatedLimits} from './simulated-limits.ts';
import {SimulatedMachine} from './simulated-machine.ts';
import {SimulatedStore} from './simulated-store.ts';
import {SimulatedUser} from './simulated-user.ts';
import {Trace} from './trace.ts';
import {hold} from './violation.ts';
import {VirtualTime} from './virtual-time.ts';
import {randomWishes, type Wish} from './wish.ts';

const HOUR_MS = 3_600_000;
/** Virtual time after the last fault within which every plan must have come to its end. */
const PATIENCE_MS = 48 * HOUR_MS;
/**
 * Virtual time in which what is over must have been put away: more than the longest partition, the host's grace, and the time
 * after which somebody looks whether an attempt is silent.
 */
const SETTLING_MS = 1_000_000;
const MAX_APPOINTMENTS = 3_000_000;
const REMEMBERED_REPORTS = 100;
const ROUNDS_PER_S = 5;

export interface WorldOptions {
  readonly seed: number;
  readonly makeEngine: EngineFactory;
  readonly habits?: Partial<DaemonHabits> | undefined;
  /** Replaces what the seed would draw. */
  readonly faults?: Partial<Faults> | undefined;
  readonly store?: SimulatedStore | undefined;
  readonly onLine?: ((line: string) => void) | undefined;
}

/** One simulated machine with its hosts, one daemon with its store, some users, and everything that goes wrong. */
export class World {
  readonly tally = new Tally();
  readonly trace: Trace;
  readonly time = new VirtualTime();
  readonly #dice: Dice;
  readonly #faults: Faults;
  readonly #ledger = new Ledger();
  readonly #machine = new SimulatedMachine(this.#ledger);
  readonly #invariants: Invariants;
  readonly #daemon: SimulatedDaemon;
  readonly #hosts = new Map<HostId, SimulatedHost>();
  readonly #users: readonly SimulatedUser[];
  readonly #wishes: readonly Wish[];
  readonly #said: Input[] = [];
  readonly #calmAtMs: number;
  #calm = false;
  readonly #limits: SimulatedLimits;
  readonly #branch: SimulatedBranch;
  /** Whether hosts give signs of life, and things that hang are noticed. */
  readonly #beats: boolean;
  #requests = 0;

  constructor({seed, makeEngine, habits, faults, store, onLine}: WorldOptions) {
    const {time} = this;
    this.trace = new Trace(time, onLine);
    this.#dice = new Dice(seed, 'world');
    this.#beats = new Dice(seed, 'beats').chance(0.3);
    this.#faults = {...drawFaults(new Dice(seed, 'faults')), ...faults};
    this.#wishes = randomWishes({
      dice: new Dice(seed, 'wishes'),
      agentDice: new Dice(seed, 'agents'),
      changeDice: new Dice(seed, 'changes'),
      twinDice: new Dice(seed, 'twins'),
      faults: this.#faults,
    });
    this.#limits = new SimulatedLimits(new Dice(seed, 'limits'));
    this.#branch = new SimulatedBranch({
      ledger: this.#ledger,
      dice: new Dice(seed, 'branch'),
      tally: this.tally,
      faults: () => this.#faultsNow(),
    });
    this.#calmAtMs = time.now().monoMs + this.#dice.spread(10_000, 600_000);
    const now = () => time.now();
    this.#invariants = new Invariants({
      ledger: this.#ledger,
      machine: this.#machine,
      branch: this.#branch,
      now,
      lastHungMs: id => this.#hosts.get(id)?.lastHungMs ?? null,
      isHeld: attempt => [...this.#hosts.values()].some(host => host.holds(attempt)),
      silentMs: attempt => this.#machine.silentMs(attempt, time.now().monoMs),
      itemsOf: group => this.#itemsOf(group),
    });
    this.#daemon = new SimulatedDaemon({
      time,
      dice: new Dice(seed, 'daemon'),
      tally: this.tally,
      trace: this.trace,
      store: store ?? new SimulatedStore(),
      invariants: this.#invariants,
      makeEngine,
      habits: {...GOOD_HABITS, ...habits},
      faults: () => this.#faultsNow(),
      permits: want => this.#limits.permits(want),
      branch: this.#branch,
      heardOfProvider: signal => this.#heardOfProvider(signal),
      startHost: () => this.#startHost(seed),
      host: id => this.#hosts.get(id),
      readOutput: effect => this.#readOutput(effect),
    });
    this.#users = this.#wishes.map((wish, index) => {
      const {tally} = this;
      const dice = new Dice(seed, `user ${index}`);
      const nextRequest = () => this.#requests++;
      return new SimulatedUser({
        wish,
        daemon: this.#daemon,
        ledger: this.#ledger,
        machine: this.#machine,
        time,
        dice,
        tally,
        nextRequest,
      });
    });
  }

  /** Runs until every team is over and put away; throws a `Violation` when something must not be. */
  run(): void {
    this.#daemon.start();
    for (const user of this.#users) user.begin();
    this.time.after(500, () => this.#goWrong());
    this.time.at(this.#calmAtMs, () => this.#calmDown());
    const deadlineMs = this.#calmAtMs + PATIENCE_MS;
    this.#runWhile(() => !this.#isDone(), deadlineMs);
    const settledMs = this.time.now().monoMs + SETTLING_MS;
    this.#runWhile(() => this.time.now().monoMs < settledMs, Number.POSITIVE_INFINITY);
    this.#checkRest();
  }

  #runWhile(goesOn: () => boolean, deadlineMs: number): void {
    for (let count = 0; goesOn(); count++) {
      hold('every plan comes to its end', count < MAX_APPOINTMENTS && this.time.now().monoMs < deadlineMs, () => {
        return `after ${Math.round((this.time.now().monoMs - this.#calmAtMs) / 1000)} s of calm: ${this.#unfinished()}`;
      });
      hold('something always happens', this.time.step(), () => this.#unfinished());
    }
  }

  #isDone(): boolean {
    return this.#calm && this.#daemon.isIdle && this.#users.every(user => user.isSatisfied);
  }

  #checkRest(): void {
    const {engine} = this.#daemon;
    hold('the daemon is up at the end', engine !== null, () => 'it is down');
    this.#invariants.atRest(engine);
    for (const host of this.#hosts.values()) {
      const left = host.isAlive ? host.openTeams : [];
      hold('hosts close teams that are over', left.length === 0, () => `${host.record.id} has ${left.join(',')}`);
    }
  }

  #unfinished(): string {
    const teams = [...this.#ledger.live].map(({id, spec, state, ending, tasks}) => {
      const open = tasks.filter(
        task => task.instances === null && !['succeeded', 'failed', 'skipped', 'cancelled'].includes(task.state.name),
      );
      const some = open
        .slice(0, 5)
        .map(task => `${task.id} ${task.open ? `attempt ${task.open.id}` : task.state.name}`);
      const waits = this.#daemon.engine?.view(id, {now: this.time.now()})?.waiting ?? [];
      const why = waits.map(({why: reason, tasks: count}) => `${count} for ${reason}`).join(', ');
      return `${spec.name} is ${state}${ending === null ? '' : ` by ${ending}`} with ${open.length} open tasks (${some.join(', ')}), which wait: ${why}`;
    });
    return teams.length > 0 ? teams.join('; ') : 'every team is over, but somebody waits for an answer';
  }

  #faultsNow(): Faults {
    return this.#calm ? NO_FAULTS : this.#faults;
  }

  #calmDown(): void {
    if (this.#calm) return;
    this.#calm = true;
    this.trace.add('world', 'calms down');
    this.#limits.lift();
    this.#daemon.capacityChanged();
  }

  /** Several times a second of virtual time, whatever may happen at any moment may happen. */
  #goWrong(): void {
    if (this.#calm) return;
    if (this.#users.every(user => user.isSatisfied)) return this.#calmDown();
    for (const fault of PER_SECOND) {
      if (!this.#dice.chance(this.#faults[fault] / ROUNDS_PER_S)) continue;
      this.trace.add('world', fault);
      this.tally.add(`fault: ${fault}`);
      this.#inflict(fault);
    }
    this.time.after(1000 / ROUNDS_PER_S, () => this.#goWrong());
  }

  #inflict(fault: (typeof PER_SECOND)[number]): void {
    const dice = this.#dice;
    switch (fault) {
      case 'hostCrashPerS':
        return this.#anyHost()?.crash();
      case 'linkBreakPerS':
        return this.#anyHost()?.link?.break();
      case 'hostHangPerS':
        return this.#beats ? this.#anyHost()?.hang(dice.spread(200, 60_000)) : undefined;
      case 'hostStarvePerS':
        return this.#beats ? this.#anyHost()?.starve(dice.spread(200, 8000)) : undefined;
      case 'breakerPerS':
        return this.#anyHost()?.trip();
      case 'daemonPausePerS':
        return this.#daemon.pause(dice.spread(100, 20_000));
      case 'wallJumpPerS':
        return this.time.jumpWall(dice.pick([-1, 1]) * dice.spread(1000, 30 * 24 * HOUR_MS));
      case 'freezePerS':
        return this.time.freeze(dice.spread(100, 600_000));
      case 'permitChangePerS':
        this.#limits.changePermits();
        return this.#daemon.capacityChanged();
      case 'gateChangePerS':
        this.#limits.changeGate();
        return this.#daemon.capacityChanged();
      case 'memoryChangePerS':
        this.#limits.changeMemory();
        return this.#daemon.capacityChanged();
      case 'spuriousTickPerS':
        return this.#daemon.submit({input: {type: 'tick'}});
      case 'lateDuplicatePerS':
        if (this.#said.length > 0) this.#daemon.submit({input: dice.pick(this.#said)});
        return;
      case 'forgedReportPerS':
        return this.#forge();
      default:
        never(fault);
    }
  }

  /** A host tells of what is another's: it must not be believed. */
  #forge(): void {
    const open = [...this.#ledger.open];
    if (open.length === 0) return;
    const {id: attempt, hostId: owner, agentId} = this.#dice.pick(open);
    const others = [...this.#hosts.keys()].filter(id => id !== owner);
    if (this.#dice.chance(0.3)) {
      // Only of hosts that can never get the agent: it may be another's when this is handled.
      const dead = others.filter(id => !this.#hosts.get(id)?.isAlive);
      const ghost = this.#dice.pick([hostId('host-0'), ...dead]);
      this.#daemon.submit({input: {type: 'agents-ready', hostId: ghost, agents: [agentId]}});
      return;
    }
    const liar = this.#dice.pick([hostId('host-0'), ...others]);
    if (this.#dice.chance(0.2)) {
      const session = {attempt: 1, runtime: 'claude', session: 'forged', folder: '/elsewhere'};
      this.#daemon.submit({input: {type: 'attempt-session', hostId: liar, attempt, session}});
      return;
    }
    const outcome = {result: {ok: true}, durationMs: 1, usage: UNKNOWN_USAGE, outputBytes: null} as const;
    this.#daemon.submit({input: {type: 'attempt-finished', hostId: liar, attempt, outcome}});
  }

  /** As a gate does: less of a provider for a while when it refuses something. */
  #heardOfProvider({provider, kind, retryAfterMs}: ProviderSignal): void {
    if (this.#calm || kind === 'ok') return;
    this.#limits.narrow(provider);
    this.#daemon.capacityChanged();
    this.time.after(retryAfterMs ?? 2000, () => {
      this.#limits.widen(provider);
      this.#daemon.capacityChanged();
    });
  }

  #anyHost(): SimulatedHost | undefined {
    const alive = [...this.#hosts.values()].filter(host => host.isAlive);
    return alive.length > 0 ? this.#dice.pick(alive) : undefined;
  }

  #startHost(seed: number): SimulatedHost {
    const number = this.#hosts.size + 1;
    const id = hostId(`host-${number}`);
    const {time, tally, trace} = this;
    const host = new SimulatedHost({
      record: {
        id,
        machineId: this.#machine.id,
        process: {pid: 100 + number, startTime: String(number), bootId: 'boot'},
        gone: false,
      },
      machine: this.#machine,
      time,
      tally,
      trace,
      dice: new Dice(seed, id),
      beats: this.#beats,
      traitOf: agent => traitOf(agent, {seed, faults: this.#faultsNow()}),
      faults: () => this.#faultsNow(),
      behaviourOf: assignment => this.#behaviourOf(assignment),
      dial: caller => this.#daemon.dial(caller),
      said: told => this.#remember(told),
    });
    this.#hosts.set(id, host);
    time.after(this.#dice.spread(5, 800), () => host.connect());
    return host;
  }

  /** What is true for ever may be heard again at any time. */
  #remember(told: Input): void {
    // A session may have been followed by another one.
    if (told.type === 'agents-ready' || told.type === 'agents-failed' || told.type === 'attempt-session') return;
    if (told.type === 'breaker') return;
    this.#said.push(told);
    if (this.#said.length > REMEMBERED_REPORTS) this.#said.shift();
  }

  #behaviourOf({teamId, spec}: Assignment): Behaviour {
    const {cwd} = this.#ledger.team(teamId).spec;
    const behaviour = this.#wishes.find(wish => wish.spec.cwd === cwd)?.behaviours.get(plainId(spec.id));
    if (!behaviour) throw new Error(`Internal error: nobody knows how "${spec.id}" behaves`);
    return behaviour;
  }

  #readOutput({teamId, task}: Extract<Effect, {type: 'read-output'}>): Extract<Input, {type: 'output-read'}> {
    const source = this.#ledger.task(teamId, task);
    if (this.#dice.chance(this.#faultsNow().outputUnreadable)) {
      this.tally.add('fault: output unreadable');
      const failure = {reason: 'foreach-invalid', detail: 'simulated'} as const;
      return {type: 'output-read', teamId, task, output: {ok: false, failure}};
    }
    const wish = this.#wishes.find(({spec}) => spec.cwd === source.team.spec.cwd);
    const value = wish?.behaviours.get(plainId(source.spec.id))?.output ?? null;
    return {type: 'output-read', teamId, task, output: {ok: true, value}};
  }

  #itemsOf(group: LedgerTask): readonly unknown[] | null {
    const {foreach} = group.spec;
    if (!foreach) return null;
    if (foreach.from === 'list') return foreach.items;
    const wish = this.#wishes.find(({spec}) => spec.cwd === group.team.spec.cwd);
    const output = wish?.behaviours.get(plainId(foreach.task))?.output;
    return Array.isArray(output) ? output : null;
  }

  /** How many teams and second attempts came to which end, for the tally. */
  countEnds(): void {
    for (const {twinOf, end} of this.#ledger.attempts.values()) {
      if (twinOf !== null && end === 'ok') this.tally.add('second attempt was first');
      if (twinOf !== null && end === 'outrun') this.tally.add('second attempt was outrun');
    }
    for (const {state} of this.#ledger.teams.values()) if (isFinal(state)) this.tally.add(`teams ${state}`);
  }
}

/** A task of a plan that was given to the team once more does what it did the first time. */
function plainId(id: string): string {
  return id.replace(/#\d+$/u, '').replace(/#\d+\.review$/u, '.review');
}

const PER_SECOND = [
  'hostCrashPerS',
  'linkBreakPerS',
  'hostHangPerS',
  'hostStarvePerS',
  'breakerPerS',
  'daemonPausePerS',
  'wallJumpPerS',
  'freezePerS',
  'permitChangePerS',
  'gateChangePerS',
  'memoryChangePerS',
  'spuriousTickPerS',
  'lateDuplicatePerS',
  'forgedReportPerS',
] as const satisfies readonly (keyof Faults)[];
