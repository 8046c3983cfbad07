import type {FailureReason} from '../model/failure.ts';
import type {ScaleDecision} from '../model/autoscale.ts';
import type {SettledTick} from './tick-loop.ts';

export type AttemptEnd = 'succeeded' | 'lost' | FailureReason;

/** Counts what has been recorded since the daemon was started, as it is recorded. */
export class Meter {
  readonly #attempts = new Map<AttemptEnd, number>();
  readonly #scaling = new Map<
    string,
    {readonly why: ScaleDecision['why']; readonly to: 'up' | 'down'; times: number}
  >();
  started = 0;

  settled({records}: Pick<SettledTick, 'records'>): void {
    for (const record of records) {
      if (record.kind === 'attempt-leased') this.started += 1;
      else if (record.kind === 'attempt-ended') {
        const {outcome} = record;
        const end = outcome === null ? 'lost' : outcome.result.ok ? 'succeeded' : outcome.result.failure.reason;
        this.#attempts.set(end, (this.#attempts.get(end) ?? 0) + 1);
      } else if (record.kind === 'event' && record.event.body.type === 'team-scaled') {
        this.#scaled(record.event.body.decision);
      }
    }
  }

  /** How attempts have ended, and how often so. */
  get attempts(): ReadonlyMap<AttemptEnd, number> {
    return this.#attempts;
  }

  /** Why teams were given more or fewer agents, and how often. */
  get scaling(): readonly {readonly why: string; readonly to: 'up' | 'down'; readonly times: number}[] {
    return [...this.#scaling.values()];
  }

  #scaled({from, to, why}: ScaleDecision): void {
    const direction = to >= from ? 'up' : 'down';
    const key = `${why} ${direction}`;
    const known = this.#scaling.get(key) ?? {why, to: direction, times: 0};
    known.times += 1;
    this.#scaling.set(key, known);
  }
}
