import {readClock} from '../base/clock.ts';
import {endStrays} from '../os/stray-processes.ts';

/** Looking through all processes of the machine costs milliseconds, so it is not done more often than this. */
const APART_MS = 50;
const SOON_MS = 1000;

/**
 * Ends what attempts leave behind. Requests that come close together share one look through the machine's processes.
 */
export class StraySweeper {
  #graceMs: number;
  #urgent = new Map<string, (() => void)[]>();
  #later = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #timerMs = Infinity;
  #lastMs = -Infinity;
  readonly #running = new Set<Promise<void>>();

  constructor(graceMs: number) {
    this.#graceMs = graceMs;
  }

  set graceMs(value: number) {
    this.#graceMs = value;
  }

  /** Resolves when nothing with this cookie is left, or what is left cannot be ended by any means. */
  sweep(cookie: string): Promise<void> {
    this.#later.delete(cookie);
    return new Promise(resolve => {
      this.#urgent.set(cookie, [...(this.#urgent.get(cookie) ?? []), resolve]);
      this.#wakeAt(Math.max(readClock().monoMs, this.#lastMs + APART_MS));
    });
  }

  /** The same without waiting, within a second: for attempts that gave no sign of having left anything. */
  sweepSoon(cookie: string): void {
    this.#later.add(cookie);
    this.#wakeAt(readClock().monoMs + SOON_MS);
  }

  /** Carries out everything that was put off. */
  async flush(): Promise<void> {
    if (this.#later.size > 0 || this.#urgent.size > 0) this.#start();
    await Promise.all(this.#running);
  }

  #wakeAt(atMs: number): void {
    if (atMs >= this.#timerMs) return;
    clearTimeout(this.#timer);
    this.#timerMs = atMs;
    this.#timer = setTimeout(() => this.#start(), Math.max(0, atMs - readClock().monoMs));
  }

  #start(): void {
    clearTimeout(this.#timer);
    this.#timerMs = Infinity;
    this.#lastMs = readClock().monoMs;
    const [urgent, later] = [this.#urgent, this.#later];
    this.#urgent = new Map();
    this.#later = new Set();
    const sweep = endStrays({cookies: new Set([...urgent.keys(), ...later]), graceMs: this.#graceMs}).then(
      () => {
        for (const waiting of urgent.values()) for (const resolve of waiting) resolve();
      },
      () => this.#again(urgent, later),
    );
    this.#running.add(sweep);
    void sweep.finally(() => this.#running.delete(sweep));
  }

  /** The processes could not be looked through (no free file descriptor, for example): that passes. */
  #again(urgent: ReadonlyMap<string, (() => void)[]>, later: ReadonlySet<string>): void {
    for (const [cookie, waiting] of urgent) {
      this.#urgent.set(cookie, [...(this.#urgent.get(cookie) ?? []), ...waiting]);
    }
    for (const cookie of later) this.#later.add(cookie);
    this.#wakeAt(readClock().monoMs + SOON_MS);
  }
}
