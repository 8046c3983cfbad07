import type {ExitKind} from '../../model/exit-code.ts';
import {GodelError} from '../../model/failure.ts';
import {isAlive} from '../../os/process-identity.ts';
import {readDaemonFile} from '../../project/daemon-file.ts';
import {detectAll, type DetectedRuntime} from '../../runtimes/registry.ts';
import type {Cli, GlobalOptions} from '../cli.ts';
import {openProject, settingsOf} from '../connect.ts';
import {canBeUsed, runtimeEntry, runtimeLines} from '../show-runtimes.ts';
import {daemonFindings} from './daemon.ts';
import type {Finding} from './finding.ts';
import {machineFindings} from './machine.ts';
import {lookForStrays, straysFinding} from './strays.ts';

export interface DoctorOptions extends GlobalOptions {
  readonly fix?: boolean;
  readonly yes?: boolean;
}

const MARKS = {ok: ['green', 'ok'], limited: ['yellow', '!'], missing: ['red', 'x']} as const;

/** Looks at everything godel depends on and says what to do. Changes nothing, unless it is to end strays. */
export async function examine(cli: Cli, options: DoctorOptions): Promise<ExitKind> {
  if (options.yes === true && options.fix !== true) {
    const hint = 'Add --fix to end what is left, or leave --yes out.';
    throw new GodelError({reason: 'usage', message: '--yes is for --fix', hint});
  }
  const {settings, agents} = settingsOf(cli, options);
  const {paths, visitor} = openProject(cli, options);
  const runtimes = await detectAll(cli.env, agents);
  const process_ = readDaemonFile(paths.daemonFile)?.process;
  const strays = await lookForStrays(cli, paths, {
    fix: options.fix === true,
    yes: options.yes === true,
    graceMs: settings.killGraceMs,
  });
  const findings: readonly Finding[] = [
    ...(await machineFindings(cli.cwd, paths.folder, settings)),
    ...daemonFindings({
      answer: await visitor.daemon(),
      version: GODEL_VERSION,
      isAlive: process_ !== undefined && isAlive(process_),
    }),
    straysFinding(strays),
    runtimesFinding(runtimes),
  ];
  const missing = findings.some(({state}) => state === 'missing');
  if (cli.print.json !== 'none') {
    const {found, fixed} = strays;
    cli.print.value({
      v: 1,
      ok: !missing,
      project: paths.folder,
      findings,
      strays: found,
      fixed,
      runtimes: runtimes.map(runtimeEntry),
    });
    return missing ? 'tasks' : 'ok';
  }
  cli.print.line(`Project ${paths.folder}`);
  for (const {what, state, text} of findings) {
    const [style, mark] = MARKS[state];
    cli.print.line(`${cli.print.style(style, mark.padEnd(2))} ${what.padEnd(9)} ${text}`);
  }
  cli.print.line();
  for (const line of runtimeLines(runtimes, cli.print)) cli.print.line(line);
  return missing ? 'tasks' : 'ok';
}

function runtimesFinding(runtimes: readonly DetectedRuntime[]): Finding {
  const usable = runtimes.filter(canBeUsed).map(({name}) => name);
  return usable.length > 0
    ? {what: 'runtimes', state: 'ok', text: `${usable.join(', ')} can do prompts`}
    : {
        what: 'runtimes',
        state: 'limited',
        text: 'no coding agent can be used: plans may have commands, but no prompts',
      };
}
