import {formatSize} from '../base/size.ts';
import type {Vitals} from '../model/health.ts';
import type {TeamLimits} from '../model/plan.ts';

/** What was last heard of an attempt. */
interface Heard {
  readonly rssBytes: number;
  readonly outputBytes: number;
  readonly cpuMs: number | null;
  readonly cores: number;
  readonly atMs: number;
}

/** Hosts tell only what changes, twice a second and at the latest after this: whoever is not told of computes nothing. */
const STALE_MS = 4000;
/** Once over a limit, a team starts again below this part of it. */
const BELOW = 0.9;

type Key = keyof TeamLimits;

/** What the attempts of teams use together, by what their hosts say. */
export class TeamLoad<Id> {
  readonly #attempts = new Map<Id, Heard>();

  heard(id: Id, {rssBytes, outputBytes, cpuMs}: Vitals, nowMs: number): void {
    const before = this.#attempts.get(id);
    const passedMs = before ? nowMs - before.atMs : 0;
    const usedMs = before && before.cpuMs !== null && cpuMs !== null ? cpuMs - before.cpuMs : 0;
    const cores = passedMs > 0 ? Math.max(0, usedMs) / passedMs : (before?.cores ?? 0);
    this.#attempts.set(id, {rssBytes: rssBytes ?? before?.rssBytes ?? 0, outputBytes, cpuMs, cores, atMs: nowMs});
  }

  ended(id: Id): void {
    this.#attempts.delete(id);
  }

  /** Why a team with these attempts should start no other, to follow "waiting for"; null: nothing speaks against it. */
  excess(
    limits: TeamLimits,
    {ids, wasOver, nowMs}: {ids: Iterable<Id>; wasOver: boolean; nowMs: number},
  ): string | null {
    const used = this.#sum(ids, nowMs);
    for (const key of ['memoryBytes', 'cpus', 'outputBytes'] as const) {
      const limit = limits[key];
      if (limit === undefined || used[key] < limit * (wasOver ? BELOW : 1)) continue;
      return `its attempts to use less: they may ${WORDS[key](limit)} together (\`limits\` of the plan)`;
    }
    return null;
  }

  #sum(ids: Iterable<Id>, nowMs: number): Record<Key, number> {
    const sum = {memoryBytes: 0, cpus: 0, outputBytes: 0};
    for (const id of ids) {
      const heard = this.#attempts.get(id);
      if (!heard) continue;
      sum.memoryBytes += heard.rssBytes;
      sum.outputBytes += heard.outputBytes;
      if (nowMs - heard.atMs < STALE_MS) sum.cpus += heard.cores;
    }
    return sum;
  }
}

const WORDS = {
  memoryBytes: limit => `take ${formatSize(limit)} of memory`,
  cpus: limit => `keep ${limit} processor ${limit === 1 ? 'core' : 'cores'} busy`,
  outputBytes: limit => `have printed ${formatSize(limit)}`,
} as const satisfies Record<Key, (limit: number) => string>;
