import {existsSync, writeFileSync} from 'node:fs';
import path from 'node:path';
import {similarTo} from '../base/similar.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {Cli} from './cli.ts';
import type {ModelPlanOptions} from './model-plan.ts';
import {noteReading, planValue} from './plan-text.ts';
import {anyPlanners} from './planners.ts';
import {planOfTask} from './task-plan.ts';
import {taskText, type TaskTextOptions} from './task-text.ts';

export interface MakePlanOptions extends ModelPlanOptions, Pick<TaskTextOptions, 'taskFile'> {
  readonly output?: string;
  readonly force?: boolean;
}

/** Writes the plan of a task in words, or prints it, and says how the text was read. */
export async function makePlan(cli: Cli, task: string | undefined, options: MakePlanOptions): Promise<ExitKind> {
  const text = taskText(cli, {...options, ...(task === undefined ? {} : {task})});
  if (text === null) {
    const hint = 'For example `godel plan "1. Add a parser 2. Document it"`; `godel plan --help` shows more.';
    throw new GodelError({reason: 'usage', message: 'There is no task to plan', hint});
  }
  refuseSlip(text);
  const file = options.output === undefined ? null : path.resolve(cli.cwd, options.output);
  if (file !== null) refuseFile(file, options);
  const agents = () => anyPlanners(cli, options);
  const planned = await planOfTask(cli, {text, options, agents});
  if (planned.how === 'over') return planned.kind;
  noteReading(cli, planned, {isPrinted: file === null});
  if (file !== null) write(file, planned.yaml, options);
  if (cli.print.json !== 'none') cli.print.value({...planValue(planned), ...(file === null ? {} : {file})});
  else if (file === null) cli.print.line(planned.yaml.trimEnd());
  else
    cli.print.line(
      `Written to ${options.output}; start it with \`godel team spawn --count N --plan ${options.output}\`.`,
    );
  return 'ok';
}

/** `godel plan chekc` is no task. */
function refuseSlip(text: string): void {
  const [near] = /^[a-z]+$/.test(text) ? similarTo(text, ['check', 'recipes']) : [];
  if (near === undefined) return;
  throw new GodelError({
    reason: 'usage',
    message: `There is no command \`plan ${text}\``,
    hint: `Did you mean \`godel plan ${near}\`?`,
  });
}

/** Said before anybody is paid for a plan. */
function refuseFile(file: string, {force, output}: MakePlanOptions): void {
  if (force !== true && existsSync(file)) throw inTheWay(output);
  if (existsSync(path.dirname(file))) return;
  throw new GodelError({
    reason: 'usage',
    message: `-o ${output}: there is no folder ${path.dirname(file)}`,
    hint: 'Make it first.',
  });
}

function write(file: string, yaml: string, {force, output}: MakePlanOptions): void {
  try {
    writeFileSync(file, yaml, {flag: force === true ? 'w' : 'wx'});
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (code === 'EEXIST') throw inTheWay(output);
    throw new GodelError({reason: 'usage', message: `-o ${output}: it cannot be written (${code})`});
  }
}

function inTheWay(output: string | undefined): GodelError {
  return new GodelError({
    reason: 'usage',
    message: `${output} is there already`,
    hint: 'Use --force to write over it.',
  });
}
