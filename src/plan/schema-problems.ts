import type {z} from 'zod';
import {type DocumentPath, type Problem, placeName} from './problem.ts';
import {
  defaultsSchema,
  estimateSchema,
  inputSchema,
  planSchema,
  reviewSchema,
  taskSchema,
  touchesSchema,
} from './schema.ts';
import {budgetFields, escalateSchema, groupSchema, namedGroupSchema} from './schema-agents.ts';
import {autoscaleFields, speculateSchema} from './schema-autoscale.ts';
import {limitsSchema, teamLimitsSchema} from './schema-limits.ts';
import {ejectFields} from './schema-eject.ts';
import {strategyFields} from './strategy.ts';
import {didYouMean} from './did-you-mean.ts';

type Issue = z.core.$ZodIssue;

/** Words from elsewhere that mean a key of ours. */
const SYNONYMS: Readonly<Record<string, string>> = {
  jobs: 'tasks',
  steps: 'tasks',
  command: 'run',
  cmd: 'run',
  script: 'run',
  commands: 'run',
  'depends-on': 'needs',
  depends_on: 'needs',
  dependsOn: 'needs',
  dependencies: 'needs',
  deps: 'needs',
  strategy: 'matrix',
  'for-each': 'foreach',
  when: 'if',
  condition: 'if',
  'timeout-minutes': 'timeout',
  retry: 'retries',
  cwd: 'working-directory',
  workdir: 'working-directory',
  environment: 'env',
  concurrency: 'max-parallel',
  output: 'outputs',
  'allow-failure': 'continue-on-error',
  instructions: 'prompt',
  skill: 'skills',
  files: 'touches',
  variables: 'inputs',
  parameters: 'inputs',
  params: 'inputs',
  dotenv: 'env-file',
  envFile: 'env-file',
  env_file: 'env-file',
  costPerHour: 'cost-per-hour',
  cost_per_hour: 'cost-per-hour',
  perHour: 'per-hour',
  onBudget: 'on-budget',
  autoScale: 'autoscale',
  speculation: 'speculate',
  ejection: 'eject',
  budgetShare: 'budget-share',
  scaleUpThreshold: 'scale-up-threshold',
  scaleDownThreshold: 'scale-down-threshold',
  maxCostPerHour: 'max-cost-per-hour',
  globs: 'paths',
  policy: 'otherwise',
};

const NUMBER_KEYS: readonly string[] = [
  'version',
  'retries',
  'priority',
  'max-parallel',
  'count',
  'slots',
  'speed',
  'cost-per-hour',
  'rounds',
  'after',
  'usd',
  'tokens',
  'per-hour',
  'budget',
  'min',
  'max',
  'scale-up-threshold',
  'scale-down-threshold',
  'max-cost-per-hour',
  'budget-share',
  'failures',
  'share',
];
const TEXT_KEYS: readonly string[] = ['name', 'run', 'verify', 'needs', 'key', 'affinity', 'working-directory'];

/** What zod found wrong with `value`, which stands at `path`, as problems that name the thing, the place and the fix. */
export function schemaProblems(
  error: z.ZodError,
  {value, path}: {value: unknown; path: DocumentPath},
): readonly Problem[] {
  const places = new Set<string>();
  return error.issues
    .flatMap(issue => flatten(issue, []))
    .flatMap(({issue, at}) => {
      if (issue.code === 'unrecognized_keys') return issue.keys.map(key => unknownKey(key, [...path, ...at]));
      // One value can break several rules; the first complaint says all that was expected.
      const place = JSON.stringify(at);
      if (places.has(place)) return [];
      places.add(place);
      return [wrongValue(issue, {found: valueAt(value, at), path: [...path, ...at]})];
    });
}

/** A key that is not known, with the one that was probably meant. */
function unknownKey(key: string, path: DocumentPath): Problem {
  const keys = knownKeys(path);
  const synonym = Object.hasOwn(SYNONYMS, key) ? SYNONYMS[key] : undefined;
  const hint =
    synonym !== undefined && keys.includes(synonym)
      ? `the word here is \`${synonym}\``
      : (didYouMean(key, keys) ?? `known keys are ${keys.join(', ')}`);
  return {path: [...path, key], at: 'key', message: `unknown key \`${key}\` in ${placeName(path)}`, hint};
}

/** The keys of the mapping at a path. */
function knownKeys(path: DocumentPath): readonly string[] {
  const [first, second] = path;
  if (first === undefined) return Object.keys(planSchema.shape);
  const last = path.at(-1);
  if (last === 'limits') return Object.keys((path.length === 1 ? teamLimitsSchema : limitsSchema).shape);
  if (first === 'tasks')
    return Object.keys((path.length > 2 ? WITHIN_TASK[String(last)] : undefined) ?? taskSchema.shape);
  if (first === 'agents') return Object.keys((typeof second === 'number' ? namedGroupSchema : groupSchema).shape);
  if (first === 'defaults' && last === 'review') return Object.keys(reviewSchema.shape);
  return Object.keys(WITHIN_PLAN[first] ?? {});
}

const WITHIN_TASK: Readonly<Record<string, object>> = {
  review: reviewSchema.shape,
  touches: touchesSchema.shape,
  estimate: estimateSchema.shape,
};
const WITHIN_PLAN: Readonly<Record<string, object>> = {
  defaults: defaultsSchema.shape,
  inputs: inputSchema.shape,
  budget: budgetFields.shape,
  autoscale: autoscaleFields.shape,
  strategy: strategyFields.shape,
  eject: ejectFields.shape,
  escalate: escalateSchema.shape,
  speculate: speculateSchema.shape,
};

/** Where one option of a union got further than the union itself, its complaint is the useful one. */
function flatten(issue: Issue, before: DocumentPath): readonly {issue: Issue; at: DocumentPath}[] {
  const at = [...before, ...issue.path.map(part => (typeof part === 'symbol' ? String(part) : part))];
  if (issue.code === 'invalid_union') {
    const deeper = issue.errors.find(
      option => option.length > 0 && option.every(inner => inner.path.length > 0 || inner.code === 'unrecognized_keys'),
    );
    if (deeper) return deeper.flatMap(inner => flatten(inner, at));
  }
  return [{issue, at}];
}

function wrongValue(issue: Issue, {found, path}: {found: unknown; path: DocumentPath}): Problem {
  const place = placeName(path);
  if (issue.code === 'invalid_key') {
    const wanted = issue.issues[0]?.message ?? issue.message;
    return {path, at: 'key', message: `${JSON.stringify(path.at(-1))} is not ${wanted}`};
  }
  if (found === undefined) {
    const key = String(path.at(-1));
    const hint = /^\S+$/.test(issue.message) ? `add \`${key}: ${issue.message}\`` : `add \`${key}\`: ${issue.message}`;
    return {path: path.slice(0, -1), at: 'value', message: `${place} is missing`, hint};
  }
  const hint = hintFor(path.at(-1), found);
  return {
    path,
    at: 'value',
    message: `${place} must be ${issue.message}, not ${shown(found)}`,
    ...(hint === undefined ? {} : {hint}),
  };
}

function hintFor(key: string | number | undefined, found: unknown): string | undefined {
  if (key === 'if' && typeof found === 'string') {
    const word = /^(?:\$\{\{)?\s*!?\s*(success|failure|always)\s*(?:\(\s*\))?\s*(?:\}\})?$/.exec(found)?.[1];
    return word === undefined ? 'conditions other than these three are not in this version' : `write \`if: ${word}()\``;
  }
  if (found === null) return 'a key without a value is null; write the value, or `""` for an empty text';
  const name = typeof key === 'number' ? 'needs' : (key ?? '');
  if (typeof found === 'string' && /^-?\d+$/.test(found)) {
    if (name === 'timeout') return `write \`${found}s\` or \`${found}m\`, or the number without quotes`;
    if (NUMBER_KEYS.includes(name)) return 'remove the quotes';
  }
  if (typeof found === 'number' && TEXT_KEYS.includes(name)) return `put it in quotes: "${found}"`;
  return undefined;
}

function valueAt(value: unknown, path: DocumentPath): unknown {
  let current = value;
  for (const part of path) {
    if (typeof current !== 'object' || current === null) return undefined;
    current = Object.getOwnPropertyDescriptor(current, part)?.value;
  }
  return current;
}

/** A wrong value in a few words. */
export function shown(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  if (typeof value === 'object' && value !== null) return 'a mapping';
  if (typeof value !== 'string') return String(value);
  if (value.length <= 60) return JSON.stringify(value);
  return `${JSON.stringify(`${value.slice(0, 40)}…`)} (${value.length} characters)`;
}
