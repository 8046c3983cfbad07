/** Kinds of tasks, each with its share of them and about how long one takes on a quiet machine. */
const KINDS = {
  short: {share: 0.5, seconds: 0.6, run: 'sleep 0.$((GODEL_ITEM % 10))'},
  long: {share: 0.1, seconds: 8, run: 'sleep $((GODEL_ITEM % 7 + 5))'},
  flaky: {share: 0.15, seconds: 1.3, run: 'sleep 0.5; [ "$GODEL_ATTEMPT" -gt $((GODEL_ITEM % 2 + 1)) ]'},
  chatty: {share: 0.15, seconds: 1.1, run: 'head -c 2000000 /dev/zero | tr "\\0" x | fold -w 100; sleep 1'},
  greedy: {share: 0.1, seconds: 1.6, run: '{ head -c 20000000 /dev/zero; sleep 1.5; } | tail -n 1 > /dev/null'},
} as const;

export interface MixedPlan {
  readonly document: object;
  /** Tasks that run, the last one included. */
  readonly tasks: number;
}

export interface MixedPlanSize {
  readonly agents: number;
  readonly seconds: number;
  /** Seconds that a task may take; absent: all of them are in it. */
  readonly longest?: number;
}

/** About how much work is of every kind before the next lot of every kind comes, so that the mix is the same throughout. */
const LOT_SECONDS = 20;

/**
 * About as much work of every kind as these agents do in this time, in lots. Each attempt writes into `ledger` that it
 * starts and that it ends, under its cookie; the last task makes the file `finished`.
 */
export function mixedPlan(name: string, {agents, seconds, longest = Infinity}: MixedPlanSize): MixedPlan {
  const chosen = Object.entries(KINDS).filter(([, kind]) => kind.seconds <= longest);
  const shares = chosen.reduce((sum, [, {share}]) => sum + share, 0);
  const meanSeconds = chosen.reduce((sum, [, kind]) => sum + (kind.share / shares) * kind.seconds, 0);
  const wanted = Math.max(10, Math.round((agents * seconds) / meanSeconds));
  const lots = numbers(Math.max(1, Math.round(seconds / LOT_SECONDS)));
  const kinds = lots.flatMap(lot =>
    chosen.map(([id, {share, run}]) => {
      const items = numbers(Math.max(1, Math.round((wanted * share) / shares / lots.length)));
      return [`${id}-${lot + 1}`, {foreach: items, run: written(run)}] as const;
    }),
  );
  const last = {needs: kinds.map(([id]) => id), run: written('touch finished')};
  return {
    document: {version: 1, name, defaults: {retries: 50}, tasks: {...Object.fromEntries(kinds), last}},
    tasks: kinds.reduce((sum, [, {foreach}]) => sum + foreach.length, 1),
  };
}

/** The script with its two lines in the ledger. */
export function written(run: string): string {
  const line = (what: string) => `echo "${what} $GODEL_COOKIE $GODEL_TASK_ID" >> "$LEDGER"`;
  return `${line('start')}\n${run}\n${line('end')}`;
}

export function numbers(count: number): readonly number[] {
  return Array.from({length: count}, (_, index) => index);
}
