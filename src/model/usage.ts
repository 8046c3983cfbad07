/** What an attempt or a team has used. `null` means unknown, never zero. */
export interface Usage {
  /** User plus system time of the process tree, in seconds. */
  readonly cpuSeconds: number | null;
  /** Highest resident memory of one process of the tree, in bytes. */
  readonly maxRssBytes: number | null;
  readonly usd: number | null;
  /** Without those read from or written to the provider's cache. */
  readonly inputTokens: number | null;
  readonly outputTokens: number | null;
  readonly cacheReadTokens: number | null;
  readonly cacheWriteTokens: number | null;
}

export const UNKNOWN_USAGE: Usage = {
  cpuSeconds: null,
  maxRssBytes: null,
  usd: null,
  inputTokens: null,
  outputTokens: null,
  cacheReadTokens: null,
  cacheWriteTokens: null,
};

/** Sums what is known of both; a sum of nothing known is unknown. Memory is a peak, so it takes the larger. */
export function addUsage(a: Usage, b: Usage): Usage {
  return {
    cpuSeconds: sum(a.cpuSeconds, b.cpuSeconds),
    maxRssBytes: a.maxRssBytes === null ? b.maxRssBytes : Math.max(a.maxRssBytes, b.maxRssBytes ?? 0),
    usd: sum(a.usd, b.usd),
    inputTokens: sum(a.inputTokens, b.inputTokens),
    outputTokens: sum(a.outputTokens, b.outputTokens),
    cacheReadTokens: sum(a.cacheReadTokens, b.cacheReadTokens),
    cacheWriteTokens: sum(a.cacheWriteTokens, b.cacheWriteTokens),
  };
}

function sum(a: number | null, b: number | null): number | null {
  if (a === null) return b;
  return b === null ? a : a + b;
}
