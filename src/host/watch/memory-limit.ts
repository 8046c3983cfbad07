/** From here on it is looked at often. */
const WATCH_SHARE = 0.6;
const WARN_SHARE = 0.8;
/** One that still grows while it is asked to end is asked no longer. */
const RUNAWAY_SHARE = 1.1;
/** Growing by this share between two looks, it could be over the limit before the next. */
const FAST_SHARE = 0.1;

export type MemoryJudgement = 'fine' | 'watch' | 'warn' | 'over' | 'runaway';

/** Judges the memory of one attempt, look by look. It warns once. */
export class MemoryLimit {
  readonly limitBytes: number;
  #lastBytes = 0;
  #hasWarned = false;

  constructor(limitBytes: number) {
    this.limitBytes = limitBytes;
  }

  judge(usedBytes: number): MemoryJudgement {
    const share = usedBytes / this.limitBytes;
    const isFast = usedBytes - this.#lastBytes > FAST_SHARE * this.limitBytes;
    this.#lastBytes = usedBytes;
    if (share >= RUNAWAY_SHARE) return 'runaway';
    if (share >= 1) return 'over';
    if (share >= WARN_SHARE && !this.#hasWarned) {
      this.#hasWarned = true;
      return 'warn';
    }
    return share >= WATCH_SHARE || isFast ? 'watch' : 'fine';
  }
}
