import {plural} from '../base/amount.ts';
import {oneLine} from '../base/one-line.ts';
import type {MemoryBackend} from '../api/memory-backend.ts';
import type {ForgetReport, ForgetRequest} from '../api/memory-contract.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import {ask} from './ask.ts';
import type {Cli} from './cli.ts';
import {must} from './connect.ts';
import {hubNote} from './memory-text.ts';

export interface Forget {
  readonly ids: readonly string[];
  /** Milliseconds. */
  readonly before?: number;
  readonly tag?: string;
  readonly yes: boolean;
}

/** Forgets for good, after asking where somebody sits. */
export async function forgetMemories(cli: Cli, memory: MemoryBackend, forget: Forget): Promise<ExitKind> {
  const request = requestOf(forget);
  const chosen = must(await memory.forget({...request, dry: true}));
  if (chosen.ids.length > 0 && !(await isMeant(cli, chosen, forget.yes))) {
    cli.print.note('Nothing is forgotten.');
    return 'ok';
  }
  const done = chosen.ids.length === 0 ? chosen : must(await memory.forget({ids: chosen.ids}));
  if (cli.print.json !== 'none') cli.print.value({v: 1, forgotten: done.ids, hub: done.hub});
  else if (done.ids.length === 0) cli.print.line('There is nothing like that to forget.');
  else cli.print.line(`${plural(done.ids.length, 'memory', 'memories')} forgotten.${hubNote(done.hub)}`);
  return 'ok';
}

function requestOf({ids, before, tag}: Forget): ForgetRequest {
  const isFilter = before !== undefined || tag !== undefined;
  if (ids.length > 0 && isFilter) {
    throw new GodelError({reason: 'usage', message: 'Give ids, or --before and --tag, not both'});
  }
  if (ids.length > 0) return {ids};
  if (!isFilter) {
    const hint = 'Give ids as `godel memory search` shows them, --before 90d, or --tag.';
    throw new GodelError({reason: 'usage', message: 'What is to be forgotten?', hint});
  }
  return {...(before !== undefined && {beforeMs: Date.now() - before}), ...(tag !== undefined && {tag})};
}

/** Asked only where somebody sits: a script that says forget means it. */
async function isMeant(cli: Cli, {ids, tasks}: ForgetReport, yes: boolean): Promise<boolean> {
  if (yes || !cli.stdin.isTTY || !cli.stderr.isTTY) return true;
  for (const task of tasks) cli.print.note(`  ${oneLine(task, 100)}`);
  if (ids.length > tasks.length) cli.print.note(`  … and ${ids.length - tasks.length} more`);
  const text = `Forget ${plural(ids.length, 'memory', 'memories')} for good? (y/n) `;
  return (await ask(cli, {text, keys: ['y', 'n'], otherwise: 'n'})) === 'y';
}
