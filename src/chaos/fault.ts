/** How an attempt is made to go wrong; docs/chaos.md says what each does. */
export const FAULTS = ['crash', 'hang', 'garbage', 'oom', 'slow', 'deaf'] as const;
export type Fault = (typeof FAULTS)[number];

export function isFault(word: string): word is Fault {
  return (FAULTS as readonly string[]).includes(word);
}

/** What is played, and how hard. */
export interface FaultChoice {
  /** At least one. */
  readonly faults: readonly Fault[];
  /** Share of the attempts that go wrong, above 0, at most 1. */
  readonly rate: number;
  readonly seed: number;
  /** What a task may be silent for, if its plan does not say so. */
  readonly silenceMs: number;
  /** What a task may have of memory, if its plan does not say so. */
  readonly memoryBytes: number;
  /** How much longer a slow attempt takes. */
  readonly slowMs: number;
}

/** Only the first attempts of a task go wrong, and it is given as many more: what it may fail by itself stays the same. */
export const MAX_FAULTS_OF_A_TASK = 3;
