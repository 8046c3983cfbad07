import {readFileSync} from 'node:fs';

/** CPU seconds a process has used so far, without its children. */
export function cpuSecondsOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'latin1')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}

/** Proportional set size in bytes: what the process would give back, shared pages counted by share. */
export function pssOf(pid: number): number {
  const found = /^Pss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'));
  if (!found) throw new Error(`the kernel does not say the memory of ${pid}`);
  return Number(found[1]) * 1024;
}
