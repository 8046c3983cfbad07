import {execFileSync} from 'node:child_process';
import {expect, test} from 'vitest';
import {parseLimits, processLimits} from '../../src/os/limits.ts';

test('the hard limits are read, unlimited ones as none', () => {
  const text = `Limit                     Soft Limit           Hard Limit           Units
Max processes             1000                 96365                processes
Max open files            1024                 20000                files
`;
  expect(parseLimits(text)).toEqual({openFiles: 20_000, processes: 96_365});
  expect(parseLimits(text.replaceAll(/\d+ {2,}(processes|files)/g, 'unlimited            $1'))).toEqual({
    openFiles: null,
    processes: null,
  });
});

test('this process has the limits that the shell tells', () => {
  const told = execFileSync('/bin/sh', ['-c', 'ulimit -Hn'], {encoding: 'utf8'}).trim();
  expect(String(processLimits().openFiles ?? 'unlimited')).toBe(told);
});
