import {byCodeUnit} from './code-unit.ts';
import {MAX_COUNT, readCount, readList, readText, refuse} from './foreign.ts';

/** Uses that are not settled yet. */
export const MAX_OPEN_USES = 1000;

/** The most one change may count; as on the wire. */
const MAX_PER_USE = 1e6;

interface Use {
  readonly count: number;
  /** Of its change in the log; null: not in the log yet. */
  readonly position: number | null;
}

/**
 * A G-counter of changes that have ids and no per-writer numbers: a change counts once, however often it comes. Remembering all ids
 * would grow without end, so uses that stand in the log at or below `settled` are one sum: a change with such a position has
 * been counted. Who settles promises that everything of the log up to there has been put in. Changed in place.
 */
export class UseCount {
  #sum = 0;
  #settled = 0;
  readonly #open = new Map<string, Use>();

  get value(): number {
    let value = this.#sum;
    for (const {count} of this.#open.values()) value += count;
    return value;
  }

  /** full: MAX_OPEN_USES wait to be settled, and this one was not counted. */
  put(id: string, use: Use): 'taken' | 'full' {
    if (use.position !== null && use.position <= this.#settled) {
      this.#open.delete(id);
      return 'taken';
    }
    const before = this.#open.get(id);
    if (before === undefined && this.#open.size >= MAX_OPEN_USES) return 'full';
    this.#open.set(id, before === undefined ? use : joined(before, use));
    return 'taken';
  }

  settle(position: number): void {
    if (position <= this.#settled) return;
    this.#settled = position;
    for (const [id, {count, position: at}] of this.#open) {
      if (at === null || at > position) continue;
      this.#sum += count;
      this.#open.delete(id);
    }
  }

  /** Open uses without a position become part of the sum: nobody will ever tell of them again, for there is no log. */
  absorb(): void {
    for (const [id, {count, position}] of this.#open) {
      if (position !== null) continue;
      this.#sum += count;
      this.#open.delete(id);
    }
  }

  mergeFrom(other: UseCount): 'taken' | 'full' {
    const known = [...this.#open];
    if (other.#settled > this.#settled) {
      this.#sum = other.#sum;
      this.#settled = other.#settled;
      this.#open.clear();
    }
    let answer: 'taken' | 'full' = 'taken';
    for (const [id, use] of [...known, ...other.#open]) if (this.put(id, use) === 'full') answer = 'full';
    return answer;
  }

  /** The sum, up to where it is settled, then id, count and position (0: none) of each open use, sorted by id. */
  toJSON(): readonly unknown[] {
    const open = [...this.#open].sort(([a], [b]) => byCodeUnit(a, b));
    return [this.#sum, this.#settled, open.map(([id, {count, position}]) => [id, count, position ?? 0])];
  }

  /** For readers of things that contain one; inside `reading`. */
  static read(value: unknown): UseCount {
    const [sum, settled, open] = readList(value, 'uses', 3);
    const uses = new UseCount();
    uses.#sum = readCount(sum, 'the sum of uses', {most: MAX_COUNT});
    uses.#settled = readCount(settled, 'the settled position', {most: MAX_COUNT});
    for (const item of readList(open, 'open uses', MAX_OPEN_USES)) {
      const [name, count, at] = readList(item, 'an open use', 3);
      const id = readText(name, 'the id of a use');
      if (uses.#open.has(id)) return refuse(`the use ${id} is there twice`);
      const position = readCount(at, 'the position of a use', {most: MAX_COUNT});
      uses.#open.set(id, {
        count: readCount(count, 'the count of a use', {least: 1, most: MAX_PER_USE}),
        position: position === 0 ? null : position,
      });
    }
    return uses;
  }
}

/** One id has one count; where somebody sent two, the greater stands, in any order of arrival. */
function joined(a: Use, b: Use): Use {
  const position =
    a.position === null || b.position === null ? (a.position ?? b.position) : Math.min(a.position, b.position);
  return {count: Math.max(a.count, b.count), position};
}
