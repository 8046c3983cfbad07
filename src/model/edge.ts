/** What attempts depend on outside of godel: a runtime that has to start, and the account of a provider behind it. */
export interface Edge {
  readonly kind: 'runtime' | 'provider';
  readonly name: string;
}

/** open: nothing is let through. half-open: one attempt, to see. */
export type BreakerState = 'closed' | 'open' | 'half-open';

/** What a breaker has come to. `detail` says why; empty when all is well. `retryAfterMs`: when it will be half-open, 0 unless open. */
export interface BreakerNews {
  readonly of: Edge;
  readonly state: BreakerState;
  readonly detail: string;
  readonly retryAfterMs: number;
}

/** Runtimes that say which session they begin before they do anything: one that ends without has died at its start. */
const ANNOUNCING: ReadonlySet<string> = new Set(['claude', 'codex', 'gemini', 'opencode', 'pi']);

/** Whether the end of a runtime that has said nothing so far is the fault of the runtime, and not of what it was to do. */
export function isStartingDeath(runtime: string, hasSpoken: boolean): boolean {
  return !hasSpoken && ANNOUNCING.has(runtime);
}
