import {readClock} from '../base/clock.ts';
import type {TeamView} from '../model/team-view.ts';

/** What a screen shows of a team at one moment. */
export interface LiveSnapshot {
  readonly view: TeamView | null;
  readonly receivedMonoMs: number;
  /** Lines that stay above a progress view. Only ever appended to. */
  readonly lasting: readonly string[];
  readonly notice: string | null;
}

/** Where the newest view of a team is put by whoever follows its feed, and seen by the screen that draws it. */
export class LiveTeam {
  readonly #listeners = new Set<() => void>();
  #snapshot: LiveSnapshot = {view: null, receivedMonoMs: 0, lasting: [], notice: null};

  readonly snapshot = (): LiveSnapshot => this.#snapshot;

  readonly subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  show(view: TeamView): void {
    this.#change({view, receivedMonoMs: readClock().monoMs});
  }

  keep(lines: readonly string[]): void {
    if (lines.length > 0) this.#change({lasting: [...this.#snapshot.lasting, ...lines]});
  }

  /** Null: nothing to say any more. */
  notice(text: string | null): void {
    if (text !== this.#snapshot.notice) this.#change({notice: text});
  }

  /** The lines that stay have been drawn and are the terminal's now. */
  forget(): void {
    this.#snapshot = {...this.#snapshot, lasting: []};
  }

  #change(change: Partial<LiveSnapshot>): void {
    this.#snapshot = {...this.#snapshot, ...change};
    for (const listener of this.#listeners) listener();
  }
}
