import type {Now} from '../base/clock.ts';
import {Heap} from '../base/heap.ts';

interface Appointment {
  readonly dueMs: number;
  readonly order: number;
  readonly act: () => void;
}

/**
 * The clocks and the only queue of a simulated world. Nothing happens between two appointments; appointments of the
 * same instant happen in the order in which they were made.
 */
export class VirtualTime {
  #monoMs = 1_000_000;
  #wallMs = 1_700_000_000_000;
  #made = 0;
  readonly #queue = new Heap<Appointment>((a, b) => a.dueMs < b.dueMs || (a.dueMs === b.dueMs && a.order < b.order));

  now(): Now {
    return {monoMs: this.#monoMs, wallMs: this.#wallMs};
  }

  /** Has `act` called `ms` milliseconds from now. What is no longer wanted must find that out itself. */
  after(ms: number, act: () => void): void {
    this.at(this.#monoMs + ms, act);
  }

  at(monoMs: number, act: () => void): void {
    this.#queue.push({dueMs: Math.max(monoMs, this.#monoMs), order: this.#made++, act});
  }

  /** Somebody sets the wall clock. The monotonic clock does not care. */
  jumpWall(byMs: number): void {
    this.#wallMs += byMs;
  }

  /** The whole machine stands still: whatever falls due meanwhile happens late and all at once. */
  freeze(ms: number): void {
    this.#advance(this.#monoMs + ms);
  }

  /** Keeps the next appointment. False when there is none. */
  step(): boolean {
    const next = this.#queue.pop();
    if (!next) return false;
    this.#advance(next.dueMs);
    next.act();
    return true;
  }

  #advance(toMs: number): void {
    if (toMs <= this.#monoMs) return;
    this.#wallMs += toMs - this.#monoMs;
    this.#monoMs = toMs;
  }
}
