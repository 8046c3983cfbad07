import {plural} from '../../base/amount.ts';
import {oneLine} from '../../base/one-line.ts';
import {endStrays} from '../../os/stray-processes.ts';
import type {ProjectPaths} from '../../project/project-paths.ts';
import {findStrays, type Stray} from '../../project/strays.ts';
import {ask, canAsk} from '../ask.ts';
import type {Cli} from '../cli.ts';
import type {Finding} from './finding.ts';

export interface Strays {
  readonly found: readonly Stray[];
  /** Processes that were ended, and those that live all the same; null: nothing was to be done. */
  readonly fixed: {readonly ended: number; readonly left: readonly number[]} | null;
}

export interface FixOptions {
  readonly fix: boolean;
  /** Without asking. */
  readonly yes: boolean;
  readonly graceMs: number;
}

/** Looks for what dead hosts and daemons of the project have left running, and ends it where that is wanted. */
export async function lookForStrays(cli: Cli, paths: ProjectPaths, {fix, yes, graceMs}: FixOptions): Promise<Strays> {
  const found = findStrays(paths);
  if (!fix || found.length === 0 || (!yes && !(await isMeant(cli, found)))) return {found, fixed: null};
  const fixed = await endStrays({cookies: new Set(found.map(({cookie}) => cookie)), graceMs});
  return {found, fixed};
}

/** Asked only where somebody sits: a script that says --fix means it. */
async function isMeant(cli: Cli, found: readonly Stray[]): Promise<boolean> {
  if (!canAsk(cli)) return true;
  for (const {pid, command, team, task} of found) {
    cli.print.note(`${pid}  ${oneLine(command, 100)}  (task ${task ?? 'unknown'} of team ${team ?? 'unknown'})`);
  }
  const text = `End ${plural(found.length, 'process', 'processes')} that dead hosts have left? (y/n) `;
  return (await ask(cli, {text, keys: ['y', 'n'], otherwise: 'n'})) === 'y';
}

export function straysFinding({found, fixed}: Strays): Finding {
  const what = 'strays';
  if (found.length === 0) return {what, state: 'ok', text: 'nothing is left of dead hosts'};
  const shown = found
    .slice(0, 5)
    .map(({pid, task, team}) => `${pid}${task === null ? '' : ` (${team}: ${oneLine(task, 40)})`}`);
  const more = found.length > shown.length ? ` and ${found.length - shown.length} more` : '';
  const processes = `${plural(found.length, 'process', 'processes')} of dead hosts: ${shown.join(', ')}${more}`;
  if (fixed === null) return {what, state: 'limited', text: `${processes}; \`godel doctor --fix\` ends them`};
  if (fixed.left.length === 0) return {what, state: 'ok', text: `${processes}; ended`};
  return {what, state: 'limited', text: `${processes}; still there after SIGKILL: ${fixed.left.join(', ')}`};
}
