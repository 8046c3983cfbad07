import {readdirSync, readFileSync} from 'node:fs';

export interface RigProcess {
  readonly pid: number;
  readonly command: string;
}

/** Living processes whose command line or environment names the folder: everything a rig has started has its HOME there. */
export function processesOf(folder: string): RigProcess[] {
  return readdirSync('/proc').flatMap(name => {
    const pid = Number(name);
    if (!Number.isInteger(pid) || pid === process.pid) return [];
    const command = textOf(`/proc/${pid}/cmdline`).replaceAll('\0', ' ').trim();
    const isOurs = command.includes(folder) || textOf(`/proc/${pid}/environ`).includes(folder);
    return isOurs && !isZombie(pid) ? [{pid, command}] : [];
  });
}

function isZombie(pid: number): boolean {
  return / [ZX] /.test(textOf(`/proc/${pid}/stat`).replace(/^.*\)/s, ''));
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
