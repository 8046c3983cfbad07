import type * as Yaml from 'yaml';
import {similarTo} from '../base/similar.ts';
import type {PlanProblem} from '../model/failure.ts';

/** A value with where it was set. */
export interface Placed<T> {
  readonly value: T;
  readonly place: string;
}

export interface ConfigEntry {
  readonly key: string;
  readonly keyNode: unknown;
  readonly value: unknown;
}

/** The nodes of one YAML file, read with their places; everything that is wrong with them is gathered in `problems`. */
export class ConfigNodes {
  readonly problems: PlanProblem[] = [];
  readonly #file: string;
  readonly #yaml: typeof Yaml;
  readonly #lines: Yaml.LineCounter;

  constructor({file, yaml, lines}: {file: string; yaml: typeof Yaml; lines: Yaml.LineCounter}) {
    this.#file = file;
    this.#yaml = yaml;
    this.#lines = lines;
  }

  report(node: unknown, message: string, hint?: string): void {
    const {line, col} = this.#lines.linePos(offsetOf(node));
    this.problems.push({message, ...(hint === undefined ? {} : {hint}), line, column: col});
  }

  /** As `file:line`. */
  placeOf(node: unknown): string {
    return `${this.#file}:${this.#lines.linePos(offsetOf(node)).line}`;
  }

  /** The plain value of a scalar; anything else as it is. */
  valueOf(node: unknown): unknown {
    return this.#yaml.isScalar(node) ? node.value : node;
  }

  entries(node: unknown, what: string, hint: string): readonly ConfigEntry[] {
    if (!this.#yaml.isMap(node)) {
      this.report(node, `${what} is expected`, hint);
      return [];
    }
    return node.items.map(({key, value}) => ({
      key: String(this.valueOf(key)),
      keyNode: key,
      value: value ?? undefined,
    }));
  }

  /** The entries of a map whose keys are known; another one is reported with what was probably meant. */
  known<K extends string>(
    node: unknown,
    {what, keys, hint}: {readonly what: string; readonly keys: readonly K[]; readonly hint: string},
  ): Partial<Record<K, ConfigEntry>> {
    const found: Partial<Record<K, ConfigEntry>> = {};
    for (const entry of this.entries(node, `${what}: a map`, hint)) {
      const key = keys.find(each => each === entry.key);
      if (key !== undefined) found[key] = entry;
      else this.report(entry.keyNode, `${what}: unknown key "${entry.key}"`, meant(entry.key, keys));
    }
    return found;
  }

  /** The items of a list; null, with a problem reported, when it is none. */
  items(node: unknown, what: string, hint: string): readonly unknown[] | null {
    if (this.#yaml.isSeq(node)) return node.items;
    this.report(node, `${what} is expected`, hint);
    return null;
  }

  isScalar(node: unknown): boolean {
    return this.#yaml.isScalar(node);
  }
}

function meant(key: string, keys: readonly string[]): string {
  const [nearest] = similarTo(key, keys);
  return nearest === undefined ? `Known keys: ${keys.join(', ')}.` : `Did you mean "${nearest}"?`;
}

function offsetOf(node: unknown): number {
  const range = (node as {range?: readonly number[] | null} | null | undefined)?.range;
  return range?.[0] ?? 0;
}
