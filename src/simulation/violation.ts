/** Something that must never happen has happened. Ends the run of its seed. */
export class Violation extends Error {
  readonly invariant: string;

  constructor(invariant: string, detail: string) {
    super(`${invariant}: ${detail}`);
    this.name = 'Violation';
    this.invariant = invariant;
  }
}

/** Throws unless the invariant holds. */
export function hold(invariant: string, holds: boolean, detail: () => string): asserts holds {
  if (!holds) throw new Violation(invariant, detail());
}
