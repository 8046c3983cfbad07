import {formatSize} from '../../base/size.ts';

export interface MemoryDemand {
  /** Bytes to be set aside: for all that is wanted, and for what of that runs. */
  readonly want: number;
  readonly running: number;
  /** Attempts that are wanted. */
  readonly attempts: number;
  /** Bytes that the user's other projects hold. */
  readonly heldByOthers: number;
}

export interface MachineMemory {
  /** Null where the system does not tell: then nothing is limited by it. */
  readonly totalBytes: number | null;
  /** What everything but attempts takes. */
  readonly restBytes: number;
  readonly minFreeBytes: number;
  /** What an attempt of a command is set aside. */
  readonly perAttemptBytes: number;
}

/** Even a small machine runs a few commands side by side. */
const LEAST_COMMANDS = 4;

/**
 * Memory that a project may set aside for attempts. What runs keeps its own; and where nothing is left one attempt goes on,
 * since waiting would not mend that.
 */
export function shareMemory(demand: MemoryDemand, machine: MachineMemory): {bytes: number; why: string | null} {
  const {want, running, attempts, heldByOthers} = demand;
  const {totalBytes, restBytes, minFreeBytes, perAttemptBytes} = machine;
  if (want <= running || totalBytes === null) return {bytes: Math.max(want, running), why: null};
  const each = Math.ceil(want / Math.max(1, attempts));
  const room = Math.max(0, totalBytes - restBytes - minFreeBytes);
  const least = Math.max(each, LEAST_COMMANDS * perAttemptBytes);
  const bytes = Math.max(running, Math.min(want, Math.max(room - heldByOthers, least)));
  if (bytes >= want) return {bytes, why: null};
  const fitting = Math.floor(bytes / each);
  const held = heldByOthers > 0 ? `, of which other projects of yours hold ${formatSize(heldByOthers)}` : '';
  const facts = `${formatSize(room)} of ${formatSize(totalBytes)} of memory is there for attempts${held}`;
  return {bytes, why: `${facts}: ${fitting} of ${attempts} fit (${formatSize(each)} each)`};
}
