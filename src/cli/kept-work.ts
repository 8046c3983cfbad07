import path from 'node:path';
import {plural} from '../base/amount.ts';
import {formatDuration} from '../base/duration.ts';
import {oneLine} from '../base/one-line.ts';
import {findCheckout} from '../workspace/repository.ts';
import type {KeptWork} from '../workspace/recover.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import {must} from './connect.ts';

/** The checkout that a command about kept work is for: that of the folder it is called in, or of --project. */
export async function checkoutOf(cli: Cli, {project}: GlobalOptions) {
  return must(await findCheckout(path.resolve(cli.cwd, project ?? '.')));
}

/** What people type to mean it. */
export function nameOf({ref}: KeptWork): string {
  return ref.replace(/^refs\/godel\//, '');
}

export function keptRow(work: KeptWork, nowMs: number): readonly string[] {
  const {team, task, attempt, savedMs, merged} = work;
  const cells = [
    nameOf(work),
    team,
    task,
    String(attempt),
    `${formatDuration(Math.max(0, nowMs - savedMs))} ago`,
    changeText(work),
    merged ? 'merged' : 'not merged',
  ];
  return cells.map(cell => oneLine(cell));
}

export const KEPT_HEAD = ['WORK', 'TEAM', 'TASK', 'ATTEMPT', 'SAVED', 'CHANGE', 'STATE'];

export function changeText({files, insertions, deletions}: KeptWork): string {
  return `${plural(files, 'file')}, +${insertions} -${deletions}`;
}

/** As `--json` shows it. */
export function keptEntry(work: KeptWork): object {
  return {...work, name: nameOf(work), saved: new Date(work.savedMs).toISOString()};
}
