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
  /** What it has counted so far; absent: its host does not say. */
  readonly counts?: BreakerCounts;
}

/** Since its host was started: how often it has opened, attempts it has turned away, and how long it was open in all. */
export interface BreakerCounts {
  readonly opens: number;
  readonly refusals: number;
  readonly openMs: number;
}

/** The breakers of one runtime or account on all hosts: on how many they are open and half-open, and what they have counted. */
export interface EdgeCounts extends BreakerCounts {
  readonly of: Edge;
  readonly open: number;
  readonly halfOpen: number;
}

/** A breaker that is not closed, as every face shows it. */
export interface BreakerView extends Pick<BreakerNews, 'detail'> {
  readonly of: Edge;
  readonly host: string;
  readonly state: Exclude<BreakerState, 'closed'>;
  /** When it was last closed (wall clock, milliseconds). */
  readonly sinceMs: number;
  /** When it lets an attempt through to see; null: it does already. */
  readonly untilMs: number | null;
}

/** `the runtime pi on h1 is open since …`, for people. */
export function breakerText({of, host, state, detail, sinceMs, untilMs}: BreakerView): string {
  const until =
    untilMs === null ? 'one attempt shows whether it works again' : `nothing is started with it until ${iso(untilMs)}`;
  return `the breaker of the ${of.kind} ${of.name} on ${host} is ${state} since ${iso(sinceMs)}, ${until}: ${detail}`;
}

function iso(atMs: number): string {
  return new Date(atMs).toISOString().slice(0, 19).concat('Z');
}

/** Runtimes that say which session they begin before they do anything: one that ends without has died at its start. */
const ANNOUNCING: ReadonlySet<string> = new Set(['claude', 'codex', 'gemini', 'opencode', 'pi']);

/** Whether the end of a runtime that has said nothing so far is the fault of the runtime, and not of what it was to do. */
export function isStartingDeath(runtime: string, hasSpoken: boolean): boolean {
  return !hasSpoken && ANNOUNCING.has(runtime);
}
