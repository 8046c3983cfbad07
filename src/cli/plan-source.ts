import path from 'node:path';
import {GodelError} from '../model/failure.ts';
import {problemLines} from '../model/failure-text.ts';
import type {Plan} from '../model/plan.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {readEnvFiles} from './env-files.ts';

/** A checked plan document, and for one from a file the plan that it means. */
export interface PlanSource {
  /** Its inputs have the values that were chosen. */
  readonly document: unknown;
  readonly plan?: Plan;
  /** What its env files set, to go below the caller's own variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Variables whose values are secret whatever they look like. */
  readonly secretNames: readonly string[];
  /** Where it says what it says of the whole, as `godel.yaml:3`, by key. */
  readonly places?: Readonly<Record<string, string>>;
}

export interface PlanSourceOptions {
  readonly plan?: string;
  readonly each?: string;
  /** Values for the plan's inputs, by name. */
  readonly input?: Readonly<Record<string, string>>;
}

/** The plan that was asked for; null when there is to be none. */
export async function planSource(cli: Cli, {plan, each, input}: PlanSourceOptions): Promise<PlanSource | null> {
  if (plan !== undefined && each !== undefined) {
    throw new GodelError({reason: 'usage', message: '--plan and --each exclude each other'});
  }
  if (plan !== undefined) return fromFile(cli, plan, input ?? {});
  if (input !== undefined) {
    throw new GodelError({reason: 'usage', message: '--input is for the inputs of a plan, so it needs --plan'});
  }
  if (each === undefined) return null;
  const {eachPlan} = await import('../plan/each-plan.ts');
  return {...must(eachPlan(each, await readLines(cli))), env: {}, secretNames: []};
}

async function fromFile(cli: Cli, file: string, inputs: Readonly<Record<string, string>>): Promise<PlanSource> {
  const {readPlan} = await import('../plan/parse-plan.ts');
  const {document, envFiles, warnings, plan, lines} = must(readPlan(file, {inputs}));
  for (const line of warnings.flatMap(warning => problemLines(file, warning))) cli.print.note(line);
  const env = readEnvFiles(envFiles, path.dirname(path.resolve(cli.cwd, file)));
  const places = Object.fromEntries(Object.entries(lines).map(([key, line]) => [key, `${file}:${line}`]));
  return {document, plan, env, secretNames: [...new Set([...Object.keys(env), ...(plan.secrets ?? [])])], places};
}

/** Larger than what the daemon takes in one request. */
const MAX_INPUT_BYTES = 64 * 1024 * 1024;

/** The lines of standard input, split at `\n` only; a last line need not end with one. Empty lines say nothing. */
async function readLines({stdin}: Cli): Promise<readonly string[]> {
  if (stdin.isTTY) {
    const hint =
      "Pipe one line for each task into it, for example `ls | godel team spawn --count 4 --each 'wc -l {}'`.";
    throw new GodelError({
      reason: 'usage',
      message: '--each reads its lines from standard input, which is a terminal',
      hint,
    });
  }
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Buffer);
    size += bytes.length;
    if (size > MAX_INPUT_BYTES)
      throw new GodelError({reason: 'usage', message: `--each got more than ${MAX_INPUT_BYTES} bytes of input`});
    chunks.push(bytes);
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .split('\n')
    .map(line => line.replace(/\r$/, ''))
    .filter(line => line !== '');
}
