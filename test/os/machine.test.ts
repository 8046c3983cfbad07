import {tmpdir} from 'node:os';
import {expect, test} from 'vitest';
import {
  containerMemory,
  freeDiskBytes,
  machineId,
  memory,
  networkFilesystem,
  parseMeminfo,
} from '../../src/os/machine.ts';

test('the machine keeps its id', () => {
  expect(machineId()).toMatch(/^[0-9a-f]{32}$/);
  expect(machineId()).toBe(machineId());
});

test('memory is read from the kernel, unknown when it does not say', () => {
  expect(parseMeminfo('MemTotal:  100 kB\nMemFree: 1 kB\nMemAvailable:   40 kB\n')).toEqual({
    availableBytes: 40_960,
    totalBytes: 102_400,
  });
  expect(parseMeminfo('')).toEqual({availableBytes: null, totalBytes: null});
  const {availableBytes, totalBytes} = memory();
  expect(availableBytes).toBeGreaterThan(0);
  expect(totalBytes).toBeGreaterThan(availableBytes ?? 0);
});

test('a container counts file cache it can drop as available', () => {
  expect(containerMemory({max: '1000', current: '900', stat: 'anon 5\ninactive_file 300\n'})).toEqual({
    availableBytes: 400,
    totalBytes: 1000,
  });
  expect(containerMemory({max: 'max', current: '900', stat: ''})).toEqual({availableBytes: null, totalBytes: null});
});

test('tells free disk, and nothing about a folder that is not there', () => {
  expect(freeDiskBytes(tmpdir())).toBeGreaterThan(0);
  expect(freeDiskBytes('/no/such/folder')).toBeNull();
  expect(networkFilesystem('/no/such/folder')).toBeNull();
  expect(networkFilesystem(tmpdir())).toBeNull();
});
