import {describe, expect, it} from 'vitest';
import {
  type AdmissionLimits,
  decideGrant,
  type MachineProbe,
  machineLimit,
} from '../../../src/daemon/admission/grant.ts';

const MIB = 1024 * 1024;
const limits: AdmissionLimits = {
  maxRunning: null,
  minFreeMemoryBytes: 256 * MIB,
  minFreeDiskBytes: 128 * MIB,
  memoryPerAttemptBytes: 32 * MIB,
};
const probe: MachineProbe = {
  availableMemoryBytes: 1024 * MIB,
  totalMemoryBytes: 2048 * MIB,
  freeDiskBytes: 1024 * MIB,
};

describe('machineLimit', () => {
  it.each([
    ['what the user has set', {...limits, maxRunning: 7}, probe, 7],
    ['as many as memory allows beyond what stays free', limits, probe, 56],
    ['four on a small machine', limits, {...probe, totalMemoryBytes: 200 * MIB}, 4],
    ['no limit where the memory is unknown', limits, {...probe, totalMemoryBytes: null}, Number.POSITIVE_INFINITY],
  ])('is %s', (_, withLimits, withProbe, expected) => {
    expect(machineLimit(withLimits, withProbe)).toBe(expected);
  });
});

describe('decideGrant', () => {
  const rule = 'at most 10 attempts run at a time on this machine';
  const ten = {...limits, maxRunning: 10};
  const noMemory = {...probe, availableMemoryBytes: 255 * MIB};
  const noDisk = {...probe, freeDiskBytes: 0};
  const unknown = {availableMemoryBytes: null, totalMemoryBytes: null, freeDiskBytes: null};

  it.each([
    ['everything that is wanted when there is room', [8, 2, 2], ten, probe, 8, null],
    ['what the limit leaves', [50, 0, 0], ten, probe, 10, rule],
    ['what others leave', [50, 0, 7], ten, probe, 3, `${rule} and other projects of yours hold 7 of them`],
    ['nothing when others hold all', [5, 0, 10], ten, probe, 0, `${rule} and other projects of yours hold 10 of them`],
    ['never less than what runs', [9, 5, 12], ten, probe, 5, `${rule} and other projects of yours hold 12 of them`],
    ['what runs when memory is short', [9, 5, 0], ten, noMemory, 5, 'less than 256 MiB of memory is free'],
    ['what runs when the disk is short', [9, 5, 0], ten, noDisk, 5, 'less than 128 MiB of disk is free'],
    ['what runs without a complaint when no more is wanted', [5, 5, 20], ten, noMemory, 5, null],
    ['what runs when less is wanted', [1, 4, 0], ten, probe, 4, null],
    ['everything where nothing is known', [500, 0, 100], limits, unknown, 500, null],
  ] as const)('gives %s', (_, [want, running, heldByOthers], withLimits, withProbe, permits, why) => {
    expect(decideGrant({want, running, heldByOthers}, withLimits, withProbe)).toEqual({permits, why});
  });
});
