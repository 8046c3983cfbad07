import {readClock} from '../base/clock.ts';
import type {Admission, Grant} from './admission/admission.ts';

export interface PermitsOptions {
  readonly admission: Admission;
  /** Attempts that run just now. */
  readonly running: () => number;
  readonly granted: (grant: Grant) => void;
}

const BEAT_MS = 5000;
/** How often we ask again while we got less than we want: memory and disk get free without telling anybody. */
const ASK_AGAIN_MS = 1000;

/** Asks the user's ledger for what the engine wants, keeps the lease alive, and says when the answer changes. */
export class Permits {
  readonly #options: PermitsOptions;
  readonly #beat: NodeJS.Timeout;
  #again: NodeJS.Timeout | undefined;
  #want = 0;
  #last: Grant = {permits: 0, why: null};

  private constructor(options: PermitsOptions) {
    this.#options = options;
    this.#beat = setInterval(() => options.admission.beat(readClock()), BEAT_MS);
  }

  /** Gives back at once what a dead predecessor of this project held beyond the attempts that still run. */
  static start(options: PermitsOptions): Permits {
    options.admission.request(0, options.running());
    return new Permits(options);
  }

  want(want: number): void {
    this.#want = want;
    this.#ask();
  }

  /** Leaves the lease to the next daemon when attempts go on, gives it up when none do. */
  close({keepLease}: {readonly keepLease: boolean}): void {
    clearInterval(this.#beat);
    clearTimeout(this.#again);
    if (!keepLease) this.#options.admission.release();
    this.#options.admission[Symbol.dispose]();
  }

  #ask(): void {
    clearTimeout(this.#again);
    const {admission, running, granted} = this.#options;
    const grant = admission.request(this.#want, running());
    const isNews = grant.permits !== this.#last.permits || grant.why !== this.#last.why;
    this.#last = grant;
    if (isNews) granted(grant);
    if (grant.permits < this.#want) this.#again = setTimeout(() => this.#ask(), ASK_AGAIN_MS);
  }
}
