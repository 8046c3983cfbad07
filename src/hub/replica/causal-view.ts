import {fail, ok, type Result} from '../../base/result.ts';
import {type Malformed, readCount, readList, readText, reading} from './foreign.ts';
import {type Dot, MAX_COUNT, VersionVector} from './version-vector.ts';
import {MAX_BEYOND, type WriteClock} from './write-clock.ts';

/**
 * gap: something that came before is missing here; pull up to `pullTo` (null: from the one who told). full: too many writes are
 * known that are in no log yet; pull first. other-log: its positions mean nothing here.
 */
export type ViewFailure =
  | {readonly kind: 'gap'; readonly pullTo: number | null; readonly detail: string}
  | {readonly kind: 'full'; readonly detail: string}
  | {readonly kind: 'other-log'; readonly detail: string};

/**
 * What one node has seen of one log, and the maker of its clocks. A node is one life of one writer: whoever starts again without its
 * stored view takes a new name, since two writes with one dot cannot be told apart. Its writes must reach the log in order.
 */
export class CausalView {
  readonly log: string;
  readonly node: string;
  #written = 0;
  #base: number;
  #beyond = VersionVector.EMPTY;

  /** `base`: up to which position the log is known here already. Throws a RangeError on what is no position. */
  constructor({log, node, base = 0}: {log: string; node: string; base?: number}) {
    if (!Number.isSafeInteger(base) || base < 0) throw new RangeError(`${base} is no position of the log ${log}`);
    this.log = log;
    this.node = node;
    this.#base = base;
  }

  get base(): number {
    return this.#base;
  }

  /** How many nodes have writes that are known here and not yet read from the log. */
  get pending(): number {
    return this.#beyond.size;
  }

  /** The clock of the next write of this node, which from now on counts as seen. */
  write(): WriteClock {
    const {log, node} = this;
    this.#written += 1;
    const clock = {log, node, counter: this.#written, base: this.#base, beyond: this.#beyond};
    this.#beyond = this.#beyond.with(node, this.#written);
    return clock;
  }

  /** The next entry of the log, in order; one that is known is no failure. `dot` is null where the entry has no clock. */
  read(position: number, dot: Dot | null): Result<void, ViewFailure> {
    if (position <= this.#base) return ok(undefined);
    if (position !== this.#base + 1) {
      const detail = `Position ${position} came where ${this.#base + 1} was due`;
      return fail({kind: 'gap', pullTo: position - 1, detail});
    }
    this.#base = position;
    if (dot !== null && this.#beyond.get(dot.node) <= dot.counter) this.#beyond = this.#beyond.without(dot.node);
    return ok(undefined);
  }

  /**
   * A write that came by another way than the log. All that its writer had seen must be known here first. `inLog` says whether the
   * log holds a write at or below `base`, which this view does not remember.
   */
  hear(clock: WriteClock, inLog: (dot: Dot) => boolean): Result<void, ViewFailure> {
    if (clock.log !== this.log) {
      return fail({kind: 'other-log', detail: `The write is of the log ${clock.log}, this view of ${this.log}`});
    }
    if (this.#beyond.has(clock) || inLog(clock)) return ok(undefined);
    if (clock.base > this.#base) {
      const detail = `Its writer had read the log up to ${clock.base}, here it is read up to ${this.#base}`;
      return fail({kind: 'gap', pullTo: clock.base, detail});
    }
    for (const [node, counter] of clock.beyond.entries()) {
      const dot = {node, counter};
      if (this.#beyond.has(dot) || inLog(dot)) continue;
      return fail({
        kind: 'gap',
        pullTo: null,
        detail: `Write ${counter} of ${node} came before it and is missing here`,
      });
    }
    if (this.#beyond.size >= MAX_BEYOND && this.#beyond.get(clock.node) === 0) {
      return fail({kind: 'full', detail: `Writes of ${MAX_BEYOND} nodes are known that the log does not have yet`});
    }
    this.#beyond = this.#beyond.with(clock.node, clock.counter);
    return ok(undefined);
  }

  toJSON(): readonly unknown[] {
    return [this.log, this.node, this.#written, this.#base, this.#beyond.toJSON()];
  }

  static parse(value: unknown): Result<CausalView, Malformed> {
    return reading('causal view', () => {
      const [log, node, written, base, beyond] = readList(value, 'a causal view', 5);
      const view = new CausalView({
        log: readText(log, 'a log'),
        node: readText(node, 'a node'),
        base: readCount(base, 'a base', {most: MAX_COUNT}),
      });
      view.#written = readCount(written, 'a counter', {most: MAX_COUNT});
      view.#beyond = VersionVector.read(beyond, {most: MAX_BEYOND});
      return view;
    });
  }
}
