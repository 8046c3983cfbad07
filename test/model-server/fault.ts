import {chance} from './bill.ts';

/**
 * What can go wrong. throttled: too many requests (429). overloaded: 529, or 503 where the API knows no 529. unavailable: 503.
 * quota: the account has used up what it may. unauthorized: 401. too-long: the prompt does not fit. hang: the answer
 * stops half-way and the connection stays. cut: the connection goes half-way. reset: it goes before any answer. garbage: what comes half-way is not the
 * protocol. error-in-stream: the provider reports an error half-way. wrong-tool: a tool call with arguments that do not fit.
 * refusal: the model declines.
 */
export const FAULT_KINDS = [
  'throttled',
  'overloaded',
  'unavailable',
  'quota',
  'unauthorized',
  'too-long',
  'hang',
  'cut',
  'reset',
  'garbage',
  'error-in-stream',
  'wrong-tool',
  'refusal',
] as const;

export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  /** Seconds for the header `Retry-After`; absent: no such header. */
  readonly retryAfter?: number;
}

export interface RequestFacts {
  readonly task: string | null;
  readonly model: string;
  /** From 0, among the requests of its task. */
  readonly nth: number;
}

/** Faults by chance, the same ones for the same seed, or as a function says. */
export type Faults =
  | {readonly rate: number; readonly seed: number; readonly of: readonly Fault[]}
  | ((request: RequestFacts) => Fault | null);

export function faultFor(faults: Faults | null, request: RequestFacts): Fault | null {
  if (faults === null) return null;
  if (typeof faults === 'function') return faults(request);
  const words = `${request.task ?? ''}/${request.nth}`;
  if (chance(faults.seed, words) >= faults.rate) return null;
  return faults.of[Math.floor(chance(faults.seed + 1, words) * faults.of.length)] ?? null;
}

/** The line `FAULT kind [times] [retry-after seconds]` of a prompt. */
export interface FaultOrder {
  readonly fault: Fault;
  readonly times: number;
}

export function faultOrder(rest: string): FaultOrder {
  const [kind, times = '1', retryAfter] = rest.trim().split(/\s+/);
  const known = FAULT_KINDS.find(name => name === kind);
  if (known === undefined) throw new Error(`no such fault: ${rest} (there are ${FAULT_KINDS.join(', ')})`);
  return {
    fault: {kind: known, ...(retryAfter === undefined ? {} : {retryAfter: Number(retryAfter)})},
    times: Number(times),
  };
}
