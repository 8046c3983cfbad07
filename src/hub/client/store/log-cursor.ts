/** Positions remembered beyond a gap. */
const MAX_AHEAD = 10_000;

export interface CursorMarks {
  readonly position: number;
  readonly ahead: readonly number[];
}

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

  /** To be put back when what was seen could not be kept. */
  get marks(): CursorMarks {
    return {position: this.#position, ahead: [...this.#ahead]};
  }

  goBackTo({position, ahead}: CursorMarks): void {
    this.#position = position;
    this.#ahead.clear();
    for (const each of ahead) this.#ahead.add(each);
  }
}
