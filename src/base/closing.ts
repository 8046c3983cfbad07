/**
 * What a process or object has opened, closed in reverse order. Every step runs even when one fails; the failures come
 * out together as one `AggregateError`. Closing twice is the same as closing once.
 */
export class Closing implements AsyncDisposable {
  readonly #steps: (() => unknown)[] = [];
  #closed: Promise<void> | undefined;

  /** Registers what undoes the step just taken. After `close` has begun it runs at once. */
  add(step: () => unknown): void {
    if (this.#closed) void Promise.resolve(step());
    else this.#steps.push(step);
  }

  close(): Promise<void> {
    this.#closed ??= this.#run();
    return this.#closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(): Promise<void> {
    const errors: unknown[] = [];
    for (let step = this.#steps.pop(); step; step = this.#steps.pop()) {
      try {
        await step();
      } catch (error) {
        errors.push(error);
      }
    }
    if (errors.length > 0) throw new AggregateError(errors, `${errors.length} step(s) of closing failed`);
  }
}
