import {readdirSync, readFileSync} from 'node:fs';

export interface Sample {
  readonly atMs: number;
  readonly residentBytes: number;
  readonly descriptors: number;
}

/** What a process takes now; null when it is gone. */
export function sampleOf(pid: number): Sample | null {
  try {
    const resident = /^VmRSS:\s+(\d+) kB/m.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
    if (resident === undefined) return null;
    const descriptors = readdirSync(`/proc/${pid}/fd`).length;
    return {atMs: performance.now(), residentBytes: Number(resident) * 1024, descriptors};
  } catch {
    return null;
  }
}

/** Growth in bytes per minute by least squares, without the first third, in which caches fill; null: too little to tell. */
export function slopeOf(samples: readonly Sample[]): number | null {
  const settled = samples.slice(Math.floor(samples.length / 3));
  if (settled.length < 3) return null;
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const minutes = settled.map(({atMs}) => atMs / 60_000);
  const bytes = settled.map(({residentBytes}) => residentBytes);
  const [meanMinutes, meanBytes] = [mean(minutes), mean(bytes)];
  const above = minutes.reduce((sum, at, index) => sum + (at - meanMinutes) * ((bytes[index] ?? 0) - meanBytes), 0);
  const below = minutes.reduce((sum, at) => sum + (at - meanMinutes) ** 2, 0);
  return below === 0 ? null : above / below;
}
