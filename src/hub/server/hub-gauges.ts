import {HUB_ERROR_CODES, type HubErrorCode} from '../../wire/hub-protocol.ts';

const WINDOW_S = 10;
const LAG_EVERY_MS = 100;
const LAG_SAMPLES = 600;

/** Of a hub, or of one tenant: pulls, pushes, and log entries that have become durable. */
export class HubRates {
  readonly pulls = new RateMeter();
  readonly pushes = new RateMeter();
  readonly episodes = new RateMeter();

  pushed(entries: number): void {
    this.pushes.add(1);
    this.episodes.add(entries);
  }
}

/** What a hub counts of itself. */
export class HubGauges {
  readonly rates = new HubRates();
  readonly #lag = new LagMeter();
  readonly #refused = new Map<HubErrorCode, number>();
  #damaged = 0;
  #flushes = 0;
  #flushMs = 0;
  #lastFlushMs: number | null = null;

  start(): void {
    this.#lag.start();
  }

  stop(): void {
    this.#lag.stop();
  }

  flushed(ms: number): void {
    this.#flushes += 1;
    this.#flushMs += ms;
    this.#lastFlushMs = ms;
  }

  refused(code: HubErrorCode): void {
    this.#refused.set(code, (this.#refused.get(code) ?? 0) + 1);
  }

  /** Entries that were told without what was in them. */
  damaged(entries: number): void {
    this.#damaged += entries;
  }

  get damagedTotal(): number {
    return this.#damaged;
  }

  get flushes(): {readonly count: number; readonly totalMs: number; readonly lastMs: number | null} {
    return {count: this.#flushes, totalMs: this.#flushMs, lastMs: this.#lastFlushMs};
  }

  /** Milliseconds, p99 of the last minute; 0 before the first look. */
  get lagMs(): number {
    return this.#lag.p99Ms;
  }

  /** Answered errors by their codes, in the order of the protocol. */
  get refusals(): readonly (readonly [HubErrorCode, number])[] {
    return HUB_ERROR_CODES.map(code => [code, this.#refused.get(code) ?? 0] as const);
  }
}

/** Events per second over the last ten full seconds. */
export class RateMeter {
  readonly #perSecond = new Float64Array(WINDOW_S + 1);
  #second = 0;
  #total = 0;

  get total(): number {
    return this.#total;
  }

  add(count: number): void {
    const second = this.#turn();
    this.#perSecond[second % (WINDOW_S + 1)] = (this.#perSecond[second % (WINDOW_S + 1)] ?? 0) + count;
    this.#total += count;
  }

  get perS(): number {
    const second = this.#turn();
    let sum = 0;
    for (const [index, count] of this.#perSecond.entries()) if (index !== second % (WINDOW_S + 1)) sum += count;
    return sum / WINDOW_S;
  }

  /** Empties the seconds in which nothing was counted; answers the present one. */
  #turn(): number {
    const now = Math.floor(performance.now() / 1000);
    const from = Math.max(this.#second + 1, now - WINDOW_S);
    for (let second = from; second <= now; second += 1) this.#perSecond[second % (WINDOW_S + 1)] = 0;
    this.#second = Math.max(now, this.#second);
    return this.#second;
  }
}

/** How late the event loop gets round to a timer of a tenth of a second, over the last minute. */
class LagMeter {
  readonly #samples: number[] = [];
  #next = 0;
  #dueMs = 0;
  #timer: NodeJS.Timeout | undefined;

  start(): void {
    this.#dueMs = performance.now() + LAG_EVERY_MS;
    this.#timer ??= setInterval(() => this.#look(), LAG_EVERY_MS).unref();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  get p99Ms(): number {
    const sorted = this.#samples.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.99) - 1] ?? 0;
  }

  #look(): void {
    const nowMs = performance.now();
    this.#samples[this.#next] = Math.max(0, nowMs - this.#dueMs);
    this.#next = (this.#next + 1) % LAG_SAMPLES;
    this.#dueMs = nowMs + LAG_EVERY_MS;
  }
}
