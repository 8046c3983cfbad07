import type {InputsDocument} from './schema.ts';
import {fitsVariable} from './schema-values.ts';
import type {Problem, ProblemList} from './problem.ts';
import {didYouMean} from './did-you-mean.ts';

/** What the caller has chosen, by the name of the input. */
export type GivenInputs = Readonly<Record<string, string>>;

/** The environment variable by which scripts see an input. */
export function inputVariable(name: string): string {
  return `GODEL_INPUT_${name.toUpperCase().replaceAll('-', '_')}`;
}

/**
 * The value of every input: what was given, or its default, or nothing. Without `given` nobody is about to run the plan,
 * and an input that must be given is no problem yet.
 */
export function inputValues(
  declared: InputsDocument,
  given: GivenInputs | undefined,
  problems: ProblemList,
): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  const nameOf = new Map<string, string>();
  for (const [name, declaration] of Object.entries(declared)) {
    const variable = inputVariable(name);
    const other = nameOf.get(variable);
    if (other === undefined) nameOf.set(variable, name);
    else problems.error(sameVariable({name, other, variable}));
    values.set(name, valueOf({name, declaration, given}, problems));
  }
  for (const name of Object.keys(given ?? {})) if (!values.has(name)) problems.error(unknown(name, values));
  return values;
}

/** The document in which every input has the value that was chosen for it: whoever compiles it needs no others. */
export function withInputs(document: unknown, values: ReadonlyMap<string, string>): unknown {
  if (values.size === 0 || typeof document !== 'object' || document === null) return document;
  return {...document, inputs: Object.fromEntries(values)};
}

function valueOf(
  {name, declaration, given}: {name: string; declaration: InputsDocument[string]; given: GivenInputs | undefined},
  problems: ProblemList,
): string {
  const {required, default: otherwise} =
    typeof declaration === 'object' ? declaration : {default: declaration, required: false};
  const path = ['inputs', name];
  if (required === true && otherwise !== undefined) {
    const hint = 'remove `required`, or the default';
    problems.warn({path, at: 'key', message: `input \`${name}\` is required, so its default is never used`, hint});
  }
  if (given && Object.hasOwn(given, name)) {
    const value = given[name] ?? '';
    if (!fitsVariable(value)) {
      const hint = 'give the name of a file instead';
      const message = `the value given for input \`${name}\` has more than 100 KiB or a NUL character`;
      problems.error({path, at: 'key', message, hint});
    }
    return value;
  }
  if (given && (required === true || (otherwise === undefined && required === undefined))) {
    const hint = `give it one with \`--input ${name}=…\`, or write a \`default\``;
    problems.error({path, at: 'key', message: `input \`${name}\` has no value`, hint});
  }
  return String(otherwise ?? '');
}

function sameVariable({name, other, variable}: {name: string; other: string; variable: string}): Problem {
  const message = `inputs \`${other}\` and \`${name}\` would be the same environment variable ${variable}`;
  return {path: ['inputs', name], at: 'key', message, hint: 'rename one of them'};
}

function unknown(name: string, values: ReadonlyMap<string, string>): Problem {
  const known = values.size === 0 ? 'it has none' : `it has ${[...values.keys()].join(', ')}`;
  const hint = didYouMean(name, values.keys()) ?? known;
  return {path: ['inputs'], at: 'key', message: `the plan has no input \`${name}\``, hint};
}
