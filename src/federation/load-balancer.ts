import {readClock} from '../base/clock.ts';
import {seededRandom} from '../base/random.ts';
import {agentId, type AgentId} from '../model/ids.ts';
import {STRATEGY_NAMES, type StrategyChoice, type StrategyName} from '../model/strategy.ts';
import {AgentSelector, type Selectable} from './agent-selector.ts';
import {BREAKER_RULES} from './circuit-breaker.ts';
import type {Strategy} from './strategies/strategy.ts';

export interface LoadBalancerOptions {
  /** Default weighted. */
  readonly strategy?: StrategyName | StrategyChoice | Strategy;
  /** How often it looks whether an agent that was left out may be tried again, in milliseconds, > 0. */
  readonly healthCheckInterval?: number;
  readonly circuitBreaker?: {
    /** Failures one after the other after which an agent is left out, ≥ 1. */
    readonly failureThreshold?: number;
  };
  readonly random?: () => number;
}

export interface BalancedAgent {
  readonly id: string;
  /** Calls at a time, ≥ 1; default 1. */
  readonly slots?: number;
}

/** What `getAgent` gives; `release` has to be called once, when the agent is done. */
export interface Lease {
  readonly id: AgentId;
  release(result: {readonly ok: boolean}): void;
}

/**
 * Shares calls among agents that all can do the same, outside of any team: the selection of the engine with the real clock. Whoever
 * asks while nobody is free waits, first come first served.
 */
export class LoadBalancer {
  readonly #selector: AgentSelector<Seat>;
  readonly #seats = new Map<AgentId, Seat>();
  readonly #waiting: Waiter[] = [];
  readonly #healthCheckInterval: number;
  #timer: NodeJS.Timeout | null = null;
  #calls = 0;

  /** Throws a RangeError that names what there is not, or what is out of its range. */
  constructor({
    strategy = 'weighted',
    healthCheckInterval = 5000,
    circuitBreaker = {},
    random = seededRandom(1),
  }: LoadBalancerOptions = {}) {
    if (typeof strategy === 'string' && !STRATEGY_NAMES.includes(strategy)) {
      throw new RangeError(`there is no strategy ${strategy}: use one of ${STRATEGY_NAMES.join(', ')}`);
    }
    const {failureThreshold = 3} = circuitBreaker;
    if (!(failureThreshold >= 1))
      throw new RangeError(`failureThreshold is ${failureThreshold}, but must be at least 1`);
    if (!(healthCheckInterval > 0)) {
      throw new RangeError(`healthCheckInterval is ${healthCheckInterval}, but must be more than 0 milliseconds`);
    }
    this.#healthCheckInterval = healthCheckInterval;
    this.#selector = new AgentSelector<Seat>({
      groups: [ANYBODY],
      strategy: typeof strategy === 'string' ? {name: strategy} : strategy,
      random,
      breaker: {...BREAKER_RULES, failureThreshold, openMs: healthCheckInterval},
      // Every call is another one: whether others would have failed at it too, nobody can know.
      // And whoever fails is left out, be it all of them: to wait is better than to fail.
      ejection: {maxShare: 1, intervalMs: healthCheckInterval, unlikely: 1},
    });
  }

  /** Throws a RangeError for slots that are no whole number from 1, and an Error for an id that is there already. */
  add({id, slots = 1}: BalancedAgent): void {
    if (!(Number.isInteger(slots) && slots >= 1)) {
      throw new RangeError(`slots of ${id} is ${slots}, but must be a whole number from 1`);
    }
    const seat: Seat = {id: agentId(id), group: 0, slots, load: 0, host: null};
    if (this.#seats.has(seat.id)) throw new Error(`there is an agent ${id} already`);
    this.#seats.set(seat.id, seat);
    this.#selector.offer(seat);
    this.#serve();
  }

  /** What it is doing goes on; it is given nothing more. */
  remove(id: string): void {
    const seat = this.#seats.get(agentId(id));
    if (!seat) return;
    this.#seats.delete(seat.id);
    this.#selector.remove(seat);
  }

  /** The next agent, as soon as one is free; the signal ends the waiting. */
  getAgent({signal, affinity}: {signal?: AbortSignal; affinity?: string} = {}): Promise<Lease> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(reasonOf(signal));
        return;
      }
      this.#calls += 1;
      const waiter: Waiter = {
        key: affinity ?? String(this.#calls),
        resolve,
        stop: () => signal?.removeEventListener('abort', abort),
      };
      const abort = () => {
        const place = this.#waiting.indexOf(waiter);
        if (place >= 0) this.#waiting.splice(place, 1);
        this.#watch();
        reject(reasonOf(signal));
      };
      signal?.addEventListener('abort', abort, {once: true});
      this.#waiting.push(waiter);
      this.#serve();
    });
  }

  /** Null: there is no such agent. */
  breakerOf(id: string): 'closed' | 'open' | 'half-open' | null {
    return this.#seats.has(agentId(id)) ? this.#selector.breakerOf(agentId(id)).name : null;
  }

  #serve(): void {
    const {monoMs: nowMs} = readClock();
    this.#selector.wake(nowMs);
    for (let waiter = this.#waiting[0]; waiter; waiter = this.#waiting[0]) {
      const selection = this.#selector.take({nowMs, candidates: ONE_GROUP, kind: ANY_CALL, affinity: waiter.key});
      if (!selection) break;
      this.#waiting.shift();
      waiter.stop();
      waiter.resolve(this.#lease(selection.agent, waiter.key));
    }
    this.#watch();
  }

  #lease(seat: Seat, key: string): Lease {
    const {monoMs: sinceMs} = readClock();
    seat.load += 1;
    this.#selector.offer(seat);
    let isOver = false;
    const release = ({ok}: {readonly ok: boolean}) => {
      if (isOver) return;
      isOver = true;
      const {monoMs: nowMs} = readClock();
      seat.load -= 1;
      if (this.#seats.get(seat.id) !== seat) return;
      const verdict = ok ? 'succeeded' : 'perhaps';
      this.#selector.ended(seat, {task: key, kind: ANY_CALL, verdict, durationMs: nowMs - sinceMs, usd: null, nowMs});
      this.#selector.offer(seat);
      this.#serve();
    };
    return {id: seat.id, release};
  }

  /** Looks again as long as somebody waits: an agent that was left out may be all there is. */
  #watch(): void {
    if (this.#waiting.length === 0) {
      if (this.#timer) clearTimeout(this.#timer);
      this.#timer = null;
      return;
    }
    this.#timer ??= setTimeout(() => {
      this.#timer = null;
      this.#serve();
    }, this.#healthCheckInterval);
  }
}

interface Waiter {
  readonly key: string;
  resolve(lease: Lease): void;
  stop(): void;
}

interface Seat extends Selectable {
  load: number;
}

const ANYBODY = {
  name: 'agent',
  count: 0,
  skills: [],
  runtime: 'command',
  model: null,
  costPerHour: null,
  speed: 1,
  slots: 1,
};
const ONE_GROUP = [{group: 0}];
const ANY_CALL = {name: 'call', skills: []};

function reasonOf(signal: AbortSignal | undefined): Error {
  return signal?.reason instanceof Error ? signal.reason : new Error('the wait was ended');
}
