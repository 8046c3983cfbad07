/** Positions remembered beyond a gap. */
const MAX_AHEAD = 10_000;

/** How far a log without gaps has been seen: everything up to `position`, and single positions beyond it. */
export class LogCursor {
  readonly #ahead = new Set<number>();
  #position: number;

  constructor(position: number) {
    this.#position = position;
  }

  get position(): number {
    return this.#position;
  }

  /** What stands there has been seen; what stands before it may not have been. */
  saw(position: number): void {
    if (position > this.#position && this.#ahead.size < MAX_AHEAD) this.#ahead.add(position);
  }

  /** Over what was seen beyond a gap that is closed now. */
  advance(): void {
    while (this.#ahead.delete(this.#position + 1)) this.#position += 1;
  }

  moveTo(position: number): void {
    this.#position = position;
    this.#ahead.delete(position);
  }

  /** What was seen beyond the position may not have been kept. */
  goBackTo(position: number): void {
    this.#ahead.clear();
    this.#position = position;
  }
}
