import {readClock} from '../../base/clock.ts';
import type {Vitals} from '../../model/health.ts';
import type {TreeUse} from '../../os/process-trees.ts';
import type {Watched} from './watched.ts';

/** More memory, or less, than this is a change. */
const RSS_SHARE = 0.02;
const RSS_BYTES = 1024 * 1024;
/** Signs of life closer together than this are one. */
const SIGN_MS = 100;
/** One attempt is told of at most this often; with many of them less often, so that all together are no burden. */
const APART_MS = 450;
const APART_PER_ATTEMPT_MS = 2;

interface Told {
  readonly vitals: Vitals;
  /** What it is made of. */
  readonly use: TreeUse | undefined;
  readonly pulseMs: number;
  readonly lastSignMs: number;
  readonly atMs: number;
}

/** Says of attempts what has changed since it was last said. Who is not named is as before, and silent for so much longer. */
export class VitalsFeed {
  readonly #told = new Map<Watched, Told>();

  forget(life: Watched): void {
    this.#told.delete(life);
  }

  clear(): void {
    this.#told.clear();
  }

  changed(lives: readonly Watched[], useOf: (life: Watched) => TreeUse | undefined): Vitals[] {
    const nowMs = readClock().monoMs;
    const apartMs = Math.max(APART_MS, lives.length * APART_PER_ATTEMPT_MS);
    const changed: Vitals[] = [];
    for (const life of lives) {
      const told = this.#told.get(life);
      const {pulse} = life;
      const use = useOf(life);
      // Most are quiet most of the time, and this is asked of all of them twice a second.
      if (told?.use === use && told?.pulseMs === pulse.lastMs && !pulse.isHeld) continue;
      if (told && nowMs - told.atMs < apartMs) continue;
      const vitals = vitalsOf(life, use);
      const lastSignMs = nowMs - vitals.silentMs;
      if (told && Math.abs(lastSignMs - told.lastSignMs) < SIGN_MS && isSame(vitals, told.vitals)) continue;
      this.#told.set(life, {vitals, use, pulseMs: pulse.lastMs, lastSignMs, atMs: nowMs});
      changed.push(vitals);
    }
    return changed;
  }
}

function vitalsOf({attempt, pulse}: Watched, use: TreeUse | undefined): Vitals {
  return {
    attempt,
    processes: use?.processes ?? 0,
    cpuMs: use?.cpuMs ?? null,
    rssBytes: use?.rssBytes ?? null,
    outputBytes: pulse.outputBytes,
    silentMs: pulse.silentMs,
    ...(use && {state: use.state}),
  };
}

function isSame(a: Vitals, b: Vitals): boolean {
  const isFar =
    a.rssBytes !== null &&
    b.rssBytes !== null &&
    Math.abs(a.rssBytes - b.rssBytes) > Math.max(RSS_BYTES, RSS_SHARE * b.rssBytes);
  return (
    !isFar &&
    a.processes === b.processes &&
    a.cpuMs === b.cpuMs &&
    a.outputBytes === b.outputBytes &&
    a.state === b.state
  );
}
