import type {AttemptOutcome} from '../model/attempt.ts';
import type {FailureReason} from '../model/failure.ts';

/** As many of the last amounts are kept: enough for a tenth of them to be more than one or two. */
const KEPT = 50;

/** What attempts of one kind have used, as far as it is known. There is at least one. */
export class LearnedUse {
  readonly #last: number[] = [];
  #next = 0;
  #count = 0;
  #sum = 0;
  #largest = 0;
  /** Asked for with every lease and changed with every end: worked out when it is first asked for. */
  #p90: number | null = null;

  constructor(first: number) {
    this.add(first);
  }

  add(used: number): void {
    this.#p90 = null;
    this.#count += 1;
    this.#sum += used;
    this.#largest = Math.max(this.#largest, used);
    this.#last[this.#next] = used;
    this.#next = (this.#next + 1) % KEPT;
  }

  get mean(): number {
    return this.#sum / this.#count;
  }

  get largest(): number {
    return this.#largest;
  }

  /** What nine of ten of the last ones have not exceeded; of fewer than ten the largest. */
  get p90(): number {
    if (this.#p90 !== null) return this.#p90;
    const sorted = this.#last.toSorted((a, b) => a - b);
    this.#p90 = sorted[Math.ceil(sorted.length * 0.9) - 1] ?? this.#largest;
    return this.#p90;
  }
}

const CUT_SHORT: ReadonlySet<FailureReason> = new Set([
  'stopped',
  'silent',
  'provider-limited',
  'runtime-unavailable',
  'agent-error',
  'spawn-failed',
]);

/** What was cut short says nothing of what such attempts use. */
export function showsUse({result}: AttemptOutcome): boolean {
  if (result.ok) return true;
  const {reason} = result.failure;
  return !CUT_SHORT.has(reason);
}
