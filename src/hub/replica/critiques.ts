import type {WrittenClock} from '../../model/episode.ts';
import {byCodeUnit} from './code-unit.ts';
import {readCount, readList, readText} from './foreign.ts';
import {MAX_STAMP} from './latest.ts';
import {compareWrites, type PlacedWrite, readClock, saw} from './write-clock.ts';

/** Critiques of one episode that are held against each other: those with the latest stamps. */
export const MAX_CRITIQUES = 4;
const MAX_TEXT = 256 * 1024;

export interface Critique {
  readonly at: string;
  /** Of the change; unique. */
  readonly tie: string;
  readonly text: string;
  /** null: its writer did not say what it had seen. */
  readonly clock: WrittenClock | null;
  /** In the log; null: in none yet. */
  readonly position: number | null;
}

/** The last critiques of an episode, in whatever order and however often they come. */
export class Critiques {
  /** Latest first. */
  #latest: readonly Critique[] = [];

  put(critique: Critique): void {
    const known = this.#latest.find(({tie}) => tie === critique.tie);
    // Its place in the log is the one thing that comes later.
    const whole = known === undefined ? critique : {...known, position: known.position ?? critique.position};
    const others = this.#latest.filter(({tie}) => tie !== critique.tie);
    this.#latest = [...others, whole].sort(latestFirst).slice(0, MAX_CRITIQUES);
  }

  mergeFrom(other: Critiques): void {
    for (const critique of other.#latest) this.put(critique);
  }

  get others(): readonly string[] {
    return concurrentWithLast(this.#latest);
  }

  toJSON(): readonly unknown[] {
    return this.#latest.map(({at, tie, text, clock, position}) => [at, tie, text, clock, position]);
  }

  /** Inside `reading`. */
  static read(value: unknown): Critiques {
    const critiques = new Critiques();
    for (const item of readList(value, 'critiques', MAX_CRITIQUES)) {
      const [at, tie, text, clock, position] = readList(item, 'a critique', 5);
      critiques.put({
        at: readText(at, 'a stamp', {most: MAX_STAMP}),
        tie: readText(tie, 'a tie'),
        text: readText(text, 'a critique', {least: 0, most: MAX_TEXT}),
        clock: clock === null ? null : readClock(clock),
        position: position === null ? null : readCount(position, 'a position', {least: 1}),
      });
    }
    return critiques;
  }
}

/**
 * What was said beside the last word (the first of `latest`) by who knew neither of that nor of anything that came after its own,
 * latest first. Those without a clock are taken for ordered as their stamps are.
 */
export function concurrentWithLast(latest: readonly Critique[]): readonly string[] {
  const [last, ...before] = latest.flatMap(critique => placed(critique) ?? []);
  if (last === undefined || last.tie !== latest[0]?.tie) return [];
  const all = [last, ...before];
  return before
    .filter(
      one => compareWrites(one.write, last.write) === 'concurrent' && !all.some(later => saw(later.write, one.write)),
    )
    .map(({text}) => text);
}

function placed({tie, text, clock, position}: Critique): [{tie: string; text: string; write: PlacedWrite}] | null {
  return clock === null ? null : [{tie, text, write: {clock, position}}];
}

function latestFirst(a: Critique, b: Critique): number {
  return byCodeUnit(b.at, a.at) || byCodeUnit(b.tie, a.tie);
}
