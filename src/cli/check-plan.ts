import {plural} from '../base/amount.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {problemLines} from '../model/failure-text.ts';
import type {Plan} from '../model/plan.ts';
import {readPlan} from '../plan/parse-plan.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';

/** Says that a plan is sound and what is in it; problems are this command's failure. Inputs need not be given. */
export async function checkPlan(cli: Cli, file: string, inputs?: Readonly<Record<string, string>>): Promise<ExitKind> {
  const {plan, warnings} = must(readPlan(file, inputs ? {inputs} : {}));
  for (const line of warnings.flatMap(warning => problemLines(file, warning))) cli.print.note(line);
  const facts = factsOf(plan);
  if (cli.print.json !== 'none') cli.print.value({v: 1, file, ...facts, warnings});
  else cli.print.line(`${file}: ${summary(plan, facts)}; no problems.`);
  return Promise.resolve('ok');
}

/** The review of a task is not counted as one. */
function factsOf({name, tasks}: Plan) {
  return {
    name,
    tasks: tasks.filter(task => task.reviews === undefined).length,
    foreach: tasks.filter(task => task.foreach !== undefined).length,
    needs: tasks.reduce((sum, task) => sum + task.needs.length, 0),
  };
}

function summary({tasks, agents}: Plan, facts: ReturnType<typeof factsOf>): string {
  const reviews = tasks.filter(task => task.reviews !== undefined).length;
  const prompts = tasks.filter(task => task.prompt !== undefined).length - reviews;
  const groups = agents?.map(({count, name}) => `${count} ${name}`).join(', ');
  return [
    plural(facts.tasks, 'task'),
    ...(prompts === 0 ? [] : [plural(prompts, 'prompt')]),
    ...(reviews === 0 ? [] : [`${reviews} with review`]),
    `${facts.foreach} with foreach`,
    `${facts.needs} needs`,
    ...(groups === undefined ? [] : [`agents: ${groups}`]),
  ].join(', ');
}
