import {plural} from '../base/amount.ts';
import {shellWord} from '../base/shell-word.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import {must, openProject, settingsOf} from './connect.ts';
import {refuseUnknownRuntimes} from './known-runtimes.ts';
import {pickTeam} from './pick-team.ts';
import {planSource, type PlanSourceOptions} from './plan-source.ts';
import {followAdvice, seeThrough} from './see-through.ts';
import {taskEnvironment} from './spawn-request.ts';
import {teamResult} from './team-result.ts';

export interface RunOptions extends GlobalOptions, PlanSourceOptions {
  readonly detach?: boolean;
}

/** Gives a team that is idle a plan, and sees it through. */
export async function runPlan(cli: Cli, name: string | undefined, options: RunOptions): Promise<ExitKind> {
  const source = await planSource(cli, options);
  if (source === null) {
    const hint = 'Give --plan FILE, or --each COMMAND with lines on standard input.';
    throw new GodelError({reason: 'usage', message: 'a plan is missing', hint});
  }
  const named = [...(source.plan?.tasks ?? []), ...(source.plan?.escalate?.to ?? [])];
  refuseUnknownRuntimes(named, {where: 'the plan', settings: settingsOf(cli, options).agents});
  const project = openProject(cli, options);
  const {team, tasks: before} = await pickTeam(project, name);
  const {document, secretNames, places = {}} = source;
  const env = taskEnvironment(cli, options, source);
  const given = must(
    await project.client.run(team, {plan: document, env, places, ...(secretNames.length > 0 && {secretNames})}),
  );
  if (given.state === 'paused') {
    const resume = `\`godel team resume ${shellWord(team)}\``;
    cli.print.note(`Team ${team} is paused, so nothing of it starts: ${resume} lets it go on.`);
  }
  if (options.detach !== true) return await seeThrough(cli, project, given);
  if (cli.print.json !== 'none') cli.print.value(teamResult(given));
  else {
    const added = plural(given.tasks.total - before.total, 'task');
    cli.print.line(`Team ${team} has the plan (${added}) and works by itself. ${followAdvice(team)}`);
  }
  return 'ok';
}
