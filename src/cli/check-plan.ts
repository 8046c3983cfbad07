import type {ExitKind} from '../model/exit-code.ts';
import {problemLines} from '../model/failure-text.ts';
import type {Plan} from '../model/plan.ts';
import {readPlan} from '../plan/parse-plan.ts';
import {plural} from '../tui/team-facts.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';

/** Says that a plan is sound and what is in it; problems are this command's failure. */
export async function checkPlan(cli: Cli, file: string): Promise<ExitKind> {
  const {plan, warnings} = must(readPlan(file));
  for (const line of warnings.flatMap(warning => problemLines(file, warning))) cli.print.note(line);
  const facts = factsOf(plan);
  if (cli.print.json !== 'none') cli.print.value({v: 1, file, ...facts, warnings});
  else
    cli.print.line(
      `${file}: ${plural(facts.tasks, 'task')}, ${facts.foreach} with foreach, ${facts.needs} needs; no problems.`,
    );
  return Promise.resolve('ok');
}

function factsOf({name, tasks}: Plan) {
  return {
    name,
    tasks: tasks.length,
    foreach: tasks.filter(task => task.foreach !== undefined).length,
    needs: tasks.reduce((sum, task) => sum + task.needs.length, 0),
  };
}
