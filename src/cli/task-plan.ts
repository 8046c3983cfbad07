import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {Plan} from '../model/plan.ts';
import {planDocument} from '../federation/decompose/plan-document.ts';
import {TaskDecomposer} from '../federation/task-decomposer.ts';
import {parsePlan} from '../plan/parse-plan.ts';
import {planYaml} from '../plan/write-plan.ts';
import {survey, type Survey, SurveyIndex} from '../workspace/survey.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import type {ModelPlanOptions} from './model-plan.ts';
import type {AskedAgents} from './team-agents.ts';

/** The plan of a task that was given in words. */
export interface TaskPlan {
  readonly how: 'plan';
  readonly by: 'structure' | 'model';
  readonly document: unknown;
  readonly plan: Plan;
  readonly yaml: string;
  /** How the text was read, a line for each rule. */
  readonly reading: readonly string[];
  readonly warnings: readonly string[];
  /** What planning has used of the budget. */
  readonly used: {readonly usd: number; readonly tokens: number};
}

/** Ended before there was a plan: by an interrupt. */
export interface NoPlan {
  readonly how: 'over';
  readonly kind: ExitKind;
}

/**
 * Makes a plan of a text: by its structure, or where it has none by a model, as a team of one agent. `agents` are asked for only then.
 */
export async function planOfTask(
  cli: Cli,
  {text, options, agents}: {text: string; options: ModelPlanOptions; agents: () => Promise<AskedAgents>},
): Promise<TaskPlan | NoPlan> {
  const found = await survey(cli.cwd);
  const index = new SurveyIndex(found);
  const {parallelism} = options;
  const done = new TaskDecomposer({repository: index}).decompose({
    task: text,
    ...(parallelism === undefined ? {} : {parallelism}),
  });
  if (done.kind === 'refused') throw new GodelError({reason: 'usage', message: `No plan can be made: ${done.because}`});
  if (done.kind === 'subtasks') {
    const verify = options.verify ?? found.test;
    const document = planDocument(done.subtasks, {verify, prefix: found.prefix});
    const width = done.width === 1 ? 'one task at a time' : `up to ${done.width} tasks at a time`;
    const reading = [
      ...done.reading,
      `That makes ${done.subtasks.length === 1 ? '1 task' : `${done.subtasks.length} tasks`}; ${width}.`,
      ...proofLines(found, options),
    ];
    return {...checked({document, by: 'structure', reading}), warnings: [], used: {usd: 0, tokens: 0}};
  }
  cli.print.note(`A model makes the plan: ${done.because}.`);
  const {planWithModel} = await import('./model-plan.ts');
  const planned = await planWithModel(cli, {
    text,
    options,
    found,
    packages: index.packages(),
    agents: await agents(),
  });
  if (planned.how === 'over') return planned;
  const reading = [
    ...done.reading,
    `The text has no structure to go by; ${planned.runtime} has made the plan.`,
    ...proofLines(found, options),
  ];
  const {warnings, used} = planned;
  return {...checked({document: planned.document, by: 'model', reading}), warnings, used};
}

function checked({document, by, reading}: Pick<TaskPlan, 'document' | 'by' | 'reading'>) {
  const {plan} = must(parsePlan({file: 'the plan', bytes: Buffer.from(JSON.stringify(document))}));
  return {how: 'plan' as const, by, document, plan, yaml: planYaml(document, reading), reading};
}

function proofLines({test}: Survey, {verify}: ModelPlanOptions): readonly string[] {
  if (verify !== undefined) return [`Every change must pass --verify: ${verify}`];
  if (test === null) return ['No command for tests was found, so nothing proves the tasks; give one with --verify.'];
  return [`Every change must pass the tests of the project: ${test}`];
}
