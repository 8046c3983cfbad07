import type {AttemptId, TeamId} from '../model/ids.ts';

const MAX_LINE = 200;
/** Far more than can run; what is forgotten is only what a view shows beside a running task. */
const MAX_ATTEMPTS = 20_000;

/** The last line that each running attempt has printed. For display only: never stored, lost with the daemon. */
export class Progress {
  readonly #lines = new Map<AttemptId, string>();
  readonly #teams = new Map<AttemptId, TeamId>();

  started(attempt: AttemptId, team: TeamId): void {
    if (this.#teams.size >= MAX_ATTEMPTS) this.#forgetOldest();
    this.#teams.set(attempt, team);
  }

  /** The team to which the attempt belongs; undefined when it is none of ours, and the line is dropped. */
  printed(attempt: AttemptId, line: string): TeamId | undefined {
    const team = this.#teams.get(attempt);
    if (team !== undefined) this.#lines.set(attempt, line.slice(0, MAX_LINE));
    return team;
  }

  lastLine(attempt: AttemptId): string | null {
    return this.#lines.get(attempt) ?? null;
  }

  teamOver(team: TeamId): void {
    for (const [attempt, owner] of this.#teams) if (owner === team) this.#forget(attempt);
  }

  #forget(attempt: AttemptId): void {
    this.#lines.delete(attempt);
    this.#teams.delete(attempt);
  }

  #forgetOldest(): void {
    const oldest = this.#teams.keys().next();
    if (!oldest.done) this.#forget(oldest.value);
  }
}
