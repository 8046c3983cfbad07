import {EventEmitter} from 'node:events';
import type CircuitBreaker from 'opossum';
import {readClock} from '../base/clock.ts';
import {fail, type Result} from '../base/result.ts';
import type {BreakerNews, BreakerState, Edge} from '../model/edge.ts';
import {type Failure, failureOf} from '../model/failure.ts';
import type {Report} from '../wire/host-protocol.ts';
import {type EdgeVerdict, providerVerdict, runtimeVerdict} from './edge-verdict.ts';

export interface EdgeLimits {
  /** Attempts within the window before it may open, ≥ 1. */
  readonly fewest: number;
  /** More than this share of them failing opens it, in percent. */
  readonly failingPercent: number;
  readonly windowMs: number;
  /** How long it stays open at first; twice as long each time one let through has failed, and at most `longestOpenMs`. */
  readonly openMs: number;
  readonly longestOpenMs: number;
  /** A program that has run for so long has started. */
  readonly startMs: number;
}

const EDGE_LIMITS: EdgeLimits = {
  fewest: 5,
  failingPercent: 50,
  windowMs: 60_000,
  openMs: 10_000,
  longestOpenMs: 300_000,
  startMs: 10_000,
};

const BUCKETS = 6;
/** While the one that was let through is under way, others come back after this. */
const UNDER_WAY_MS = 2000;
const LONGEST_DETAIL = 2000;

/** An attempt that was let through. */
interface Passage {
  /** What it reports shows that its runtime has started, or that its provider answers. */
  readonly heard: (report: Report) => void;
  /** Resolves when the breakers have taken note of it. */
  over(failure: Failure | null): Promise<unknown>;
}

interface Guarded {
  readonly of: Edge;
  readonly circuit: CircuitBreaker<[Promise<EdgeVerdict>], EdgeVerdict>;
  readonly options: {resetTimeout: number};
  openedMs: number;
  opens: number;
  refusals: number;
  /** Before it opened last, or in all unless it is open. */
  openMs: number;
  detail: string;
  state: BreakerState;
}

/** What makes a breaker count an attempt as failed; `said` is shown. */
class EdgeFailure extends Error {
  readonly verdict: Exclude<EdgeVerdict, {kind: 'fine'}>;

  constructor(verdict: Exclude<EdgeVerdict, {kind: 'fine'}>) {
    super(verdict.kind);
    this.verdict = verdict;
  }
}

/**
 * Circuit breakers (opossum) at the edges of a host: one for each runtime, around the start of its CLI, and one for each
 * account of a provider, around its first answer. Limits of a provider are answers. All share one timer, which runs while
 * there is a breaker; opossum is loaded with the first prompt.
 */
export class EdgeBreakers {
  readonly #report: (news: BreakerNews) => void;
  readonly #limits: EdgeLimits;
  readonly #guarded = new Map<string, Guarded>();
  readonly #rotation = new EventEmitter().setMaxListeners(0);
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(report: (news: BreakerNews) => void, limits: EdgeLimits = EDGE_LIMITS) {
    this.#report = report;
    this.#limits = limits;
  }

  /** Has an attempt done if it is let through, and hears what it reports meanwhile; otherwise says why not. */
  async guard<T>(
    names: {readonly runtime: string; readonly provider: string},
    act: (heard: Passage['heard']) => Promise<Result<T, Failure>>,
  ): Promise<Result<T, Failure>> {
    const {default: Circuit} = await import('opossum');
    if (this.#isClosed) return act(nothing);
    const runtime = this.#guard({kind: 'runtime', name: names.runtime}, Circuit);
    const provider = this.#guard({kind: 'provider', name: names.provider}, Circuit);
    const shut = [runtime, provider].find(({circuit}) => !circuit.closed && !circuit.pendingClose);
    if (shut) {
      shut.refusals += 1;
      this.#tell(shut);
      return fail(this.#refusal(shut));
    }
    const passage = this.#pass(runtime, provider);
    try {
      const result = await act(passage.heard);
      await passage.over(result.ok ? null : result.failure);
      return result;
    } catch (error) {
      await passage.over(failureOf(error));
      throw error;
    }
  }

  /** A daemon that has just come knows of none: says again what is not closed, and what has counted anything. */
  retell(): void {
    for (const guarded of this.#guarded.values()) {
      if (guarded.state !== 'closed' || guarded.opens > 0) this.#tell(guarded);
    }
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    for (const {circuit} of this.#guarded.values()) circuit.shutdown();
    this.#guarded.clear();
  }

  #pass(runtime: Guarded, provider: Guarded): Passage {
    const start = this.#fire(runtime);
    const answer = this.#fire(provider);
    const spoke = () => {
      clearTimeout(started);
      start.settle({kind: 'fine'});
    };
    const started = setTimeout(spoke, this.#limits.startMs).unref();
    return {
      heard: ({type, ...report}) => {
        if (type !== 'attempt-session' && type !== 'provider-signal') return;
        spoke();
        if ('signal' in report && report.signal.kind !== 'overloaded') answer.settle({kind: 'fine'});
      },
      over: failure => {
        clearTimeout(started);
        answer.settle(providerVerdict(failure));
        start.settle(runtimeVerdict(failure));
        return Promise.all([answer.noted, start.noted]);
      },
    };
  }

  /** Has the breaker wait for the verdict. Only the first one counts. */
  #fire({circuit}: Guarded): {settle: (verdict: EdgeVerdict) => void; noted: Promise<unknown>} {
    let settle: (verdict: EdgeVerdict) => void = nothing;
    const verdict = new Promise<EdgeVerdict>(resolve => {
      settle = resolve;
    });
    // What becomes of it is in the state of the breaker.
    return {settle: reached => settle(reached), noted: circuit.fire(verdict).catch(nothing)};
  }

  #guard(of: Edge, Circuit: typeof CircuitBreaker): Guarded {
    const key = `${of.kind}:${of.name}`;
    const known = this.#guarded.get(key);
    if (known) return known;
    const {windowMs, fewest, failingPercent, openMs, longestOpenMs} = this.#limits;
    // opossum keeps this very object and reads `resetTimeout` whenever it opens.
    const options: CircuitBreaker.Options<[Promise<EdgeVerdict>]> & {resetTimeout: number} = {
      name: key,
      timeout: false,
      resetTimeout: openMs,
      volumeThreshold: fewest,
      errorThresholdPercentage: failingPercent,
      rollingCountTimeout: windowMs,
      rollingCountBuckets: BUCKETS,
      rollingPercentilesEnabled: false,
      enableSnapshots: false,
      rotateBucketController: this.#rotation,
      // What says nothing either way counts for nothing, but for the one that was let through to see: it has shown nothing.
      errorFilter: (error: unknown) =>
        error instanceof EdgeFailure && error.verdict.kind === 'unknown' && !circuit.halfOpen,
    };
    const circuit = new Circuit(settled, options);
    const guarded: Guarded = {
      of,
      circuit,
      options,
      openedMs: 0,
      opens: 0,
      refusals: 0,
      openMs: 0,
      detail: '',
      state: 'closed',
    };
    circuit.on('failure', error => {
      if (error instanceof EdgeFailure && error.verdict.kind === 'failed') {
        guarded.detail = error.verdict.said.slice(0, LONGEST_DETAIL);
      }
    });
    circuit.on('open', () => {
      guarded.openedMs = readClock().monoMs;
      guarded.opens += 1;
      this.#become(guarded, 'open');
    });
    circuit.on('halfOpen', () => {
      options.resetTimeout = Math.min(longestOpenMs, options.resetTimeout * 2);
      this.#become(guarded, 'half-open');
    });
    circuit.on('close', () => {
      options.resetTimeout = openMs;
      guarded.detail = '';
      this.#become(guarded, 'closed');
    });
    this.#guarded.set(key, guarded);
    this.#timer ??= setInterval(() => this.#rotation.emit('rotate'), windowMs / BUCKETS).unref();
    return guarded;
  }

  #become(guarded: Guarded, state: BreakerState): void {
    if (guarded.state === 'open' && state !== 'open') guarded.openMs += readClock().monoMs - guarded.openedMs;
    guarded.state = state;
    this.#tell(guarded);
  }

  #tell(guarded: Guarded): void {
    const {of, state, detail, opens, refusals, openedMs} = guarded;
    const openMs = Math.round(guarded.openMs + (state === 'open' ? readClock().monoMs - openedMs : 0));
    const retryAfterMs = state === 'open' ? this.#leftMs(guarded) : 0;
    this.#report({of, state, detail, retryAfterMs, counts: {opens, refusals, openMs}});
  }

  #leftMs({state, openedMs, options}: Guarded): number {
    if (state !== 'open') return UNDER_WAY_MS;
    return Math.max(0, Math.round(openedMs + options.resetTimeout - readClock().monoMs));
  }

  #refusal(guarded: Guarded): Failure {
    const {of, detail} = guarded;
    const retryAfterMs = this.#leftMs(guarded);
    return {reason: 'runtime-unavailable', what: of.kind, name: of.name, retryAfterMs, detail};
  }
}

async function settled(verdict: Promise<EdgeVerdict>): Promise<EdgeVerdict> {
  const reached = await verdict;
  if (reached.kind !== 'fine') throw new EdgeFailure(reached);
  return reached;
}

function nothing(): void {}
