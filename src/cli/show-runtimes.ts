import {formatSize} from '../base/size.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {type DetectedRuntime, detectAll} from '../runtimes/registry.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import {settingsOf} from './connect.ts';
import type {Print} from './print.ts';
import {tableLines} from './summary-text.ts';

/** Says which coding agents there are and what is wrong with the others. */
export async function showRuntimes(cli: Cli, options: GlobalOptions): Promise<ExitKind> {
  const {agents} = settingsOf(cli, options);
  const found = await detectAll(cli.env, agents);
  if (cli.print.json !== 'none') cli.print.value({v: 1, runtimes: found.map(runtimeEntry)});
  else for (const line of runtimeLines(found, cli.print)) cli.print.line(line);
  return found.some(canBeUsed) ? 'ok' : 'tasks';
}

export function canBeUsed({detection}: DetectedRuntime): boolean {
  return detection.found && detection.login !== 'no';
}

/** A runtime in the JSON of `runtimes` and `doctor`. */
export function runtimeEntry({name, memoryBytes, detection}: DetectedRuntime) {
  return {name, memoryBytes, ...detection};
}

export function runtimeLines(found: readonly DetectedRuntime[], print: Print): readonly string[] {
  const there = found.flatMap(({name, memoryBytes, detection}) =>
    detection.found ? [[name, detection.version, detection.login, sizeText(memoryBytes), detection.file]] : [],
  );
  const table =
    there.length === 0 ? [] : tableLines(['RUNTIME', 'VERSION', 'LOGGED IN', 'MEMORY', 'PROGRAM'], there, print);
  const notes = found.flatMap(({name, detection}) => {
    if (!detection.found) return [`${name}: ${detection.detail}. ${detection.hint}`];
    const login = detection.login === 'yes' ? [] : [`${name}: ${detection.loginDetail}`];
    return [...login, ...detection.warnings.map(warning => `${name}: ${warning}`)];
  });
  return [...table, ...(table.length > 0 && notes.length > 0 ? [''] : []), ...notes];
}

function sizeText(bytes: number | null): string {
  return bytes === null ? 'unknown' : formatSize(bytes);
}
