import {formatSize} from '../base/size.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {failureText} from '../model/failure-text.ts';
import {freeDiskBytes, memory} from '../os/machine.ts';
import {detectAll} from '../runtimes/registry.ts';
import {gitVersion} from '../workspace/git.ts';
import {findRepository} from '../workspace/repository.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import {openProject, settingsOf} from './connect.ts';
import {canBeUsed, runtimeEntry, runtimeLines} from './show-runtimes.ts';

/** `missing` stops everything, `limited` some things: the text says which, and what to do. */
interface Finding {
  readonly what: string;
  readonly state: 'ok' | 'limited' | 'missing';
  readonly text: string;
}

const MARKS = {ok: ['green', 'ok'], limited: ['yellow', '!'], missing: ['red', 'x']} as const;

/** Looks at everything godel depends on, changes nothing, and says what to do. */
export async function examine(cli: Cli, options: GlobalOptions): Promise<ExitKind> {
  const {settings, agents} = settingsOf(cli, options);
  const {paths, visitor} = openProject(cli, options);
  const runtimes = await detectAll(cli.env, agents);
  const usable = runtimes.filter(canBeUsed).map(({name}) => name);
  const daemon = await visitor.daemon();
  const findings: Finding[] = [
    {what: 'node', state: 'ok', text: process.version},
    ...(await gitFindings(cli.cwd)),
    room('memory', memory().availableBytes, settings.minFreeMemoryBytes),
    room('disk', freeDiskBytes(paths.folder), settings.minFreeDiskBytes),
    daemon.ok
      ? {what: 'daemon', state: 'ok', text: `running, version ${daemon.value.version}, pid ${daemon.value.pid}`}
      : {what: 'daemon', state: 'ok', text: 'not running; team commands start it'},
    usable.length > 0
      ? {what: 'runtimes', state: 'ok', text: `${usable.join(', ')} can do prompts`}
      : {
          what: 'runtimes',
          state: 'limited',
          text: 'no coding agent can be used: plans may have commands, but no prompts',
        },
  ];
  const missing = findings.some(({state}) => state === 'missing');
  if (cli.print.json !== 'none') {
    cli.print.value({v: 1, ok: !missing, project: paths.folder, findings, runtimes: runtimes.map(runtimeEntry)});
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

async function gitFindings(cwd: string): Promise<Finding[]> {
  const version = await gitVersion(cwd);
  if (!version.ok) return [{what: 'git', state: 'limited', text: failureText(version.failure)}];
  const repository = await findRepository(cwd, {team: 'doctor'});
  const git: Finding = {what: 'git', state: 'ok', text: version.value};
  if (!repository.ok) return [git, {what: 'worktrees', state: 'limited', text: failureText(repository.failure)}];
  const {root, checkedOut, dirtyFiles} = repository.value;
  const dirty = dirtyFiles === 0 ? '' : `, ${dirtyFiles} files not committed: teams start without them`;
  return [git, {what: 'worktrees', state: 'ok', text: `${root} on ${checkedOut ?? 'no branch'}${dirty}`}];
}

function room(what: string, free: number | null, least: number): Finding {
  if (free === null) return {what, state: 'ok', text: 'unknown how much is free'};
  const text = `${formatSize(free)} free`;
  if (free >= least) return {what, state: 'ok', text};
  return {what, state: 'missing', text: `${text}, and nothing starts below ${formatSize(least)}`};
}
