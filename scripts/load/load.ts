/** One line of a table of docs/reliability.md: what was measured, and what it should be. */
export interface LoadRow {
  readonly what: string;
  readonly measured: string;
  readonly target: string;
  /** null: nothing to hold it against. */
  readonly met: boolean | null;
}

export interface LoadOptions {
  /** How long the load is to last; absent: as long as its name says, or as it needs. */
  readonly seconds?: number;
  readonly agents?: number;
}

export interface Load {
  readonly name: string;
  readonly title: string;
  run(options: LoadOptions): Promise<readonly LoadRow[]>;
}

/** A count that must be 0. */
export function none(what: string, count: number): LoadRow {
  return {what, measured: count.toLocaleString('en'), target: '0', met: count === 0};
}

export function fact(what: string, measured: string | number): LoadRow {
  return {
    what,
    measured: typeof measured === 'number' ? measured.toLocaleString('en') : measured,
    target: '–',
    met: null,
  };
}

/** The smallest value that this share of the values does not exceed. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}
