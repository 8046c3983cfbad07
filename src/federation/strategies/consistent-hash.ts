import type {AgentId} from '../../model/ids.ts';
import {freeIn} from './compare.ts';
import {type Ring, emptyRing, hash32, pointsOf, ringOf} from './hash-ring.ts';
import type {Choice, Contestant, Pool, Request, Strategy} from './strategy.ts';

/** No agent has more than this many times its share of what is at work (Mirrokni et al., "Consistent Hashing with Bounded Loads"). */
const BOUND = 1.25;
/** With no more free agents than this, their places are compared instead of walking past all that are busy. */
const FEW = 64;

/**
 * The same key goes to the same agent, as long as that is free and has not more than its share: agents stand on a ring of hashes,
 * many times each, and the first one after the key has it. When an agent leaves, only its keys move.
 */
export class ConsistentHashStrategy implements Strategy {
  readonly name = 'consistent-hash';
  readonly #members = new Map<AgentId, Contestant>();
  readonly #points = new Map<AgentId, Uint32Array>();
  #slots = 0;
  #ring: Ring<Contestant> = emptyRing();
  /** Who came or left since the ring was made. */
  #isStale = false;

  join(contestant: Contestant): void {
    if (this.#members.has(contestant.id)) return;
    this.#members.set(contestant.id, contestant);
    this.#points.set(contestant.id, pointsOf(contestant.id));
    this.#slots += contestant.slots;
    this.#isStale = true;
  }

  leave({id}: Contestant): void {
    const member = this.#members.get(id);
    if (!member) return;
    this.#members.delete(id);
    this.#points.delete(id);
    this.#slots -= member.slots;
    this.#isStale = true;
  }

  choose(pools: readonly Pool[], {affinity}: Request): Choice | null {
    const size = freeIn(pools);
    if (size === 0) return null;
    const key = hash32(affinity);
    const share = this.#share();
    const isWithin = ({load, slots}: Contestant) => load < Math.ceil(share * slots);
    // Everybody who is free having more than a share means that those without are busy: then the bound has to give way.
    const found =
      size <= FEW
        ? (this.#nearest(pools, {key, fits: isWithin}) ?? this.#nearest(pools, {key, fits: always}))
        : (this.#walk(pools, {key, fits: isWithin}) ?? this.#walk(pools, {key, fits: always}));
    if (!found) return null;
    return {chosen: found.contestant, compared: [{contestant: found.contestant, score: found.distance / 2 ** 32}]};
  }

  /** Attempts that a slot may have with the one that is to be given. With one slot each the bound never matters. */
  #share(): number {
    if (this.#slots === this.#members.size) return BOUND;
    let atWork = 0;
    for (const {load} of this.#members.values()) atWork += load;
    return (BOUND * (atWork + 1)) / this.#slots;
  }

  #walk(pools: readonly Pool[], {key, fits}: Wanted): Found | null {
    if (this.#isStale) {
      this.#ring = ringOf([...this.#members.values()]);
      this.#isStale = false;
    }
    const {size} = this.#ring;
    const start = this.#ring.firstFrom(key);
    for (let step = 0; step < size; step += 1) {
      const place = (start + step) % size;
      const contestant = this.#ring.memberAt(place);
      if (!contestant || !isFree(pools, contestant) || !fits(contestant)) continue;
      return {contestant, distance: (this.#ring.hashAt(place) - key) >>> 0};
    }
    return null;
  }

  /** Of those that are free, whose place comes first after the key. */
  #nearest(pools: readonly Pool[], {key, fits}: Wanted): Found | null {
    let best: Found | null = null;
    for (const {free} of pools) {
      for (let place = 0; place < free.size; place += 1) {
        const contestant = free.at(place);
        if (!contestant || !fits(contestant)) continue;
        const distance = this.#distance(contestant.id, key);
        const isFirst =
          best === null ||
          distance < best.distance ||
          (distance === best.distance && contestant.id < best.contestant.id);
        if (isFirst) best = {contestant, distance};
      }
    }
    return best;
  }

  #distance(id: AgentId, key: number): number {
    let least = 2 ** 32;
    for (const hash of this.#points.get(id) ?? []) {
      const distance = (hash - key) >>> 0;
      if (distance < least) least = distance;
    }
    return least;
  }
}

interface Wanted {
  readonly key: number;
  readonly fits: (contestant: Contestant) => boolean;
}

interface Found {
  readonly contestant: Contestant;
  /** How far after the key, clockwise. */
  readonly distance: number;
}

function always(): boolean {
  return true;
}

function isFree(pools: readonly Pool[], contestant: Contestant): boolean {
  return pools.some(({free}) => free.has(contestant));
}
