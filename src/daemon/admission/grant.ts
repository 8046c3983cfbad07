import type {Grant} from './admission.ts';

/** What the user has set. */
export interface AdmissionLimits {
  /** Attempts at a time on this machine; null: as many as memory allows. */
  readonly maxRunning: number | null;
  readonly minFreeMemoryBytes: number;
  readonly minFreeDiskBytes: number;
  readonly memoryPerAttemptBytes: number;
}

/** What the machine has just now; null where the system does not tell, and then nothing is limited by it. */
export interface MachineProbe {
  readonly availableMemoryBytes: number | null;
  readonly totalMemoryBytes: number | null;
  readonly freeDiskBytes: number | null;
}

export interface Demand {
  readonly want: number;
  readonly running: number;
  /** Permits that the user's other projects hold. */
  readonly heldByOthers: number;
}

/** Even a small machine runs a few attempts side by side. */
const LEAST_MACHINE_LIMIT = 4;

/** Permits of the whole machine; infinite when nothing is known that would limit them. */
export function machineLimit(limits: AdmissionLimits, {totalMemoryBytes}: MachineProbe): number {
  if (limits.maxRunning !== null) return limits.maxRunning;
  if (totalMemoryBytes === null) return Number.POSITIVE_INFINITY;
  const fitting = Math.floor((totalMemoryBytes - limits.minFreeMemoryBytes) / limits.memoryPerAttemptBytes);
  return Math.max(LEAST_MACHINE_LIMIT, fitting);
}

/** How many permits a project gets. What runs already is never taken away: attempts are not stopped for want of room. */
export function decideGrant(
  demand: Demand,
  limits: AdmissionLimits,
  probe: MachineProbe,
): Pick<Grant, 'permits' | 'why'> {
  const {want, running, heldByOthers} = demand;
  if (want <= running) return {permits: running, why: null};
  const shortage = shortageOf(limits, probe);
  if (shortage !== null) return {permits: running, why: shortage};
  const limit = machineLimit(limits, probe);
  const permits = Math.max(running, Math.min(want, limit - heldByOthers));
  return {permits, why: permits < want ? explain(limit, heldByOthers) : null};
}

function shortageOf(limits: AdmissionLimits, {availableMemoryBytes, freeDiskBytes}: MachineProbe): string | null {
  if (availableMemoryBytes !== null && availableMemoryBytes < limits.minFreeMemoryBytes) {
    return `less than ${inMebibytes(limits.minFreeMemoryBytes)} of memory is free`;
  }
  if (freeDiskBytes !== null && freeDiskBytes < limits.minFreeDiskBytes) {
    return `less than ${inMebibytes(limits.minFreeDiskBytes)} of disk is free`;
  }
  return null;
}

function explain(limit: number, heldByOthers: number): string {
  const rule = `at most ${limit} attempts run at a time on this machine`;
  return heldByOthers > 0 ? `${rule} and other projects of yours hold ${heldByOthers} of them` : rule;
}

function inMebibytes(bytes: number): string {
  return `${Math.round(bytes / 1024 / 1024)} MiB`;
}
