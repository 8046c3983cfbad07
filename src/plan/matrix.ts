import type {JsonValue} from '../base/json.ts';
import {didYouMean} from './did-you-mean.ts';
import {canonicalJson} from './json-value.ts';
import {type DocumentPath, type Problem, placeName} from './problem.ts';
import {MAX_ITEMS, type MatrixDocument} from './schema.ts';

/** The combinations of a matrix, and the names that at least one of them has a value for. */
export interface Combinations {
  readonly items: readonly JsonValue[];
  readonly fields: ReadonlySet<string>;
}

interface Reporter {
  readonly path: DocumentPath;
  readonly report: (problem: Problem) => void;
  readonly warn: (problem: Problem) => void;
}

type Values = Readonly<Record<string, JsonValue>>;
type Axes = ReadonlyMap<string, readonly JsonValue[]>;
interface Combination {
  /** One for each axis. */
  readonly original: Values;
  readonly item: Record<string, JsonValue>;
}

const NAME = /^[\p{L}_][\p{L}\p{N}_-]{0,99}$/u;
const MAX_COMPARISONS = 20_000_000;

/**
 * Makes the combinations of matrices as GitHub Actions does: every value of an axis with every value of the others (the
 * last axis turns fastest), without what `exclude` names; then each of `include` adds its values where it changes none of
 * an axis, or is a combination of its own. A few lines can mean very many, so what a whole plan may have is bounded.
 */
export class Matrices {
  #itemsLeft = MAX_ITEMS;
  #comparisonsLeft = MAX_COMPARISONS;

  /** Null, with a report, when the matrix cannot be used. */
  combinations(matrix: MatrixDocument, reporter: Reporter): Combinations | null {
    const {include = [], exclude = [], ...rest} = matrix;
    const axes: Axes = new Map(Object.entries(rest));
    const fields = new Set([...axes.keys(), ...include.flatMap(Object.keys)]);
    const sound = areNames(fields, reporter) && areDifferent(axes, reporter) && areAxes(exclude, axes, reporter);
    if (!sound) return null;
    const count = axes.size === 0 ? 0 : [...axes.values()].reduce((product, values) => product * values.length, 1);
    if (!this.#fits(count, include.length + exclude.length, reporter)) return null;
    const left = excluded(product(axes), {exclude, axes, reporter});
    const items = included(left, {include, axes});
    if (items.length > 0) return {items, fields};
    const message = `${placeName(reporter.path)} has no combination left`;
    reporter.report({path: reporter.path, at: 'key', message, hint: 'give an axis such as `os: [linux, mac]`'});
    return null;
  }

  #fits(count: number, rules: number, {path, report}: Reporter): boolean {
    this.#itemsLeft -= count + rules;
    this.#comparisonsLeft -= count * rules;
    if (this.#itemsLeft >= 0 && this.#comparisonsLeft >= 0) return true;
    const what =
      this.#itemsLeft < 0
        ? `the matrices of the plan make more than ${MAX_ITEMS} instances, here ${count}`
        : 'the plan has too many combinations to compare with so many of `include` and `exclude`';
    report({path, at: 'key', message: `${placeName(path)}: ${what}`, hint: 'split the plan, or leave values out'});
    // What is too much once is not said again for every matrix after it.
    this.#itemsLeft = Math.max(0, this.#itemsLeft + count + rules);
    this.#comparisonsLeft = Math.max(0, this.#comparisonsLeft + count * rules);
    return false;
  }
}

function areNames(names: ReadonlySet<string>, {path, report}: Reporter): boolean {
  const wrong = [...names].filter(name => !NAME.test(name));
  for (const name of wrong) {
    const message = `${JSON.stringify(name)} is not a name in a matrix (letters, digits, \`_\` and \`-\`, no digit first)`;
    report({path: [...path, name], at: 'key', message});
  }
  return wrong.length === 0;
}

/** 18 and "18" would be one instance for a reader, so they are one value here. */
function areDifferent(axes: Axes, {path, report}: Reporter): boolean {
  let different = true;
  for (const [axis, values] of axes) {
    const positions = new Map<string, number>();
    for (const [index, value] of values.entries()) {
      const look = lookOf(value);
      const earlier = positions.get(look);
      positions.set(look, earlier ?? index);
      if (earlier === undefined) continue;
      different = false;
      const place = placeName([...path, axis]);
      const message = `${place} has ${look} twice, as values ${earlier + 1} and ${index + 1}`;
      report({path: [...path, axis, index], at: 'value', message, hint: 'remove one of them'});
      break;
    }
  }
  return different;
}

function areAxes(exclude: readonly Values[], axes: Axes, {path, report}: Reporter): boolean {
  for (const [index, entry] of exclude.entries()) {
    for (const name of Object.keys(entry)) {
      if (axes.has(name)) continue;
      const message = `${placeName([...path, 'exclude', index])} names \`${name}\`, and the matrix has no such axis`;
      const hint = didYouMean(name, axes.keys()) ?? `its axes are ${[...axes.keys()].join(', ')}`;
      report({path: [...path, 'exclude', index, name], at: 'key', message, hint});
      return false;
    }
  }
  return true;
}

function product(axes: Axes): Combination[] {
  if (axes.size === 0) return [];
  let combinations: Values[] = [{}];
  for (const [axis, values] of axes) {
    combinations = combinations.flatMap(before => values.map(value => ({...before, [axis]: value})));
  }
  return combinations.map(original => ({original, item: {...original}}));
}

function excluded(
  combinations: Combination[],
  {exclude, axes, reporter}: {exclude: readonly Values[]; axes: Axes; reporter: Reporter},
): Combination[] {
  if (exclude.length === 0) return combinations;
  const rules = exclude.map(entry => conditionsOf(entry, axes));
  const used = new Set<number>();
  const left = combinations.filter(({original}) => {
    const rule = rules.findIndex(conditions => holds(conditions, original));
    if (rule !== -1) used.add(rule);
    return rule === -1;
  });
  for (const [index, conditions] of rules.entries()) {
    if (used.has(index) || combinations.some(({original}) => holds(conditions, original))) continue;
    const path = [...reporter.path, 'exclude', index];
    reporter.warn({
      path,
      at: 'value',
      message: `${placeName(path)} excludes nothing`,
      hint: 'no combination has these values',
    });
  }
  return left;
}

function included(
  combinations: Combination[],
  {include, axes}: {include: readonly Values[]; axes: Axes},
): readonly JsonValue[] {
  const own: Values[] = [];
  for (const entry of include) {
    const conditions = conditionsOf(entry, axes);
    const more = Object.fromEntries(Object.entries(entry).filter(([name]) => !axes.has(name)));
    let added = false;
    for (const {original, item} of combinations) {
      if (!holds(conditions, original)) continue;
      Object.assign(item, more);
      added = true;
    }
    if (!added) own.push(entry);
  }
  return [...combinations.map(({item}) => item), ...own];
}

/** The values of the axes that an entry names; undefined where the axis has no such value. */
function conditionsOf(entry: Values, axes: Axes): readonly (readonly [axis: string, value: JsonValue | undefined])[] {
  return Object.entries(entry).flatMap(([name, wanted]) => {
    const values = axes.get(name);
    if (!values) return [];
    const look = lookOf(wanted);
    return [[name, values.find(value => lookOf(value) === look)] as const];
  });
}

function holds(conditions: ReturnType<typeof conditionsOf>, original: Values): boolean {
  return conditions.every(([axis, value]) => value !== undefined && original[axis] === value);
}

function lookOf(value: JsonValue): string {
  return typeof value === 'string' ? value : canonicalJson(value);
}
