import type {VirtualTime} from './virtual-time.ts';

const KEPT = 80;

/** What happened, line by line: a hash over all of it (two runs of one seed must agree) and the last lines to read. */
export class Trace {
  readonly #time: VirtualTime;
  readonly #startMs: number;
  readonly #listener: ((line: string) => void) | undefined;
  readonly #last: string[] = [];
  #low = 0x811c9dc5;
  #high = 0x1000193;
  #lines = 0;

  constructor(time: VirtualTime, listener?: (line: string) => void) {
    this.#time = time;
    this.#startMs = time.now().monoMs;
    this.#listener = listener;
  }

  add(who: string, what: string): void {
    const line = `${(this.#time.now().monoMs - this.#startMs).toFixed(1).padStart(10)} ${who.padEnd(8)} ${what}`;
    for (let index = 0; index < line.length; index++) {
      const code = line.charCodeAt(index);
      this.#low = Math.imul(this.#low ^ code, 0x01000193);
      this.#high = Math.imul(this.#high ^ code, 0x85ebca6b) + 0x6d2b79f5;
    }
    this.#lines += 1;
    this.#last[this.#lines % KEPT] = line;
    this.#listener?.(line);
  }

  get lines(): number {
    return this.#lines;
  }

  get hash(): string {
    return [this.#low, this.#high].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('');
  }

  /** The last lines, oldest first. */
  last(): readonly string[] {
    const from = (this.#lines % KEPT) + 1;
    return [...this.#last.slice(from), ...this.#last.slice(0, from)].filter(Boolean);
  }
}
