/** One line of docs/benchmarks.md: a figure beside what it is compared with, measured in the same run. */
export interface BenchRow {
  readonly what: string;
  readonly ours: string;
  readonly anchor: string;
  readonly ratio: string;
  readonly target: string;
  /** null: nothing to hold it against. */
  readonly met: boolean | null;
}

export interface Bench {
  readonly name: string;
  readonly title: string;
  /** It takes minutes, or needs what is fetched over the network: it runs only when it is named. */
  readonly isLong?: boolean;
  /** `small`: to see that it works, in seconds; its figures say little. Where there is no such form, it is the full one. */
  run(size?: 'full' | 'small'): Promise<readonly BenchRow[]>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  const high = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? high : ((sorted[middle - 1] ?? high) + high) / 2;
}

export function markdown(rows: readonly BenchRow[]): string {
  const head = '| what | godel | measured beside it | ratio | target | met |\n|---|---|---|---|---|---|\n';
  const line = (row: BenchRow) =>
    `| ${row.what} | ${row.ours} | ${row.anchor} | ${row.ratio} | ${row.target} | ${row.met === null ? '–' : row.met ? 'yes' : '**no**'} |`;
  return head + rows.map(line).join('\n');
}
