/** A plan for a common kind of work, to be used as it is with `--input`, or to be copied and changed. */
export interface Recipe {
  readonly name: string;
  /** One line. */
  readonly summary: string;
  /** A plan file. */
  readonly yaml: string;
}
