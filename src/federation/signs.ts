import type {Vitals} from '../model/health.ts';
import type {AttemptId, HostId} from '../model/ids.ts';
import type {Input} from './engine-io.ts';

type Breaker = Extract<Input, {type: 'breaker'}>;

/** What an attempt was like when its host last said so. */
export interface AttemptSigns {
  readonly vitals: Vitals;
  /** Monotonic. */
  readonly atMs: number;
}

export interface HostSigns {
  /** How late its own timer was. */
  readonly lagMs: number;
  /** Monotonic: when it was last heard of. */
  readonly atMs: number;
}

const WORST = ['open', 'half-open', 'closed'] as const satisfies readonly Breaker['state'][];

/**
 * What hosts say of how they and what they run are doing: only the latest, and nothing that outlives the daemon. Whoever judges
 * it asks here.
 */
export class Signs {
  readonly #attempts = new Map<AttemptId, AttemptSigns>();
  readonly #hosts = new Map<HostId, HostSigns>();
  readonly #breakers = new Map<HostId, Map<string, Breaker>>();

  ofAttempt(id: AttemptId): AttemptSigns | undefined {
    return this.#attempts.get(id);
  }

  ofHost(id: HostId): HostSigns | undefined {
    return this.#hosts.get(id);
  }

  /** How a breaker stands on the host where it stands worst. */
  breaker(kind: Breaker['of']['kind'], name: string): Breaker['state'] {
    const states = [...this.#breakers.values()].map(breakers => breakers.get(keyOf({kind, name}))?.state);
    return WORST.find(state => states.includes(state)) ?? 'closed';
  }

  /** `isLeased`: whether the host holds the lease of an attempt. What it says of others is not kept. */
  heard(
    {hostId, lagMs, vitals}: Extract<Input, {type: 'vitals'}>,
    {atMs, isLeased}: {atMs: number; isLeased: (attempt: AttemptId) => boolean},
  ): void {
    this.#hosts.set(hostId, {lagMs, atMs});
    for (const each of vitals) {
      // The cast brands what `isLeased` then knows or does not.
      const id = each.attempt as AttemptId;
      if (isLeased(id)) this.#attempts.set(id, {vitals: each, atMs});
    }
  }

  /** Returns whether that is news. */
  switched(breaker: Breaker): boolean {
    const {hostId, of, state} = breaker;
    const known = this.#breakers.get(hostId) ?? new Map<string, Breaker>();
    this.#breakers.set(hostId, known);
    const before = known.get(keyOf(of))?.state ?? 'closed';
    known.set(keyOf(of), breaker);
    return state !== before;
  }

  forgetAttempt(id: AttemptId): void {
    this.#attempts.delete(id);
  }

  forgetHost(id: HostId): void {
    this.#hosts.delete(id);
    this.#breakers.delete(id);
  }
}

function keyOf({kind, name}: Breaker['of']): string {
  return `${kind} ${name}`;
}
