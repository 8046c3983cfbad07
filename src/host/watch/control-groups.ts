import {accessSync, constants, mkdirSync, readFileSync, rmdirSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {readClock} from '../../base/clock.ts';
import type {AttemptLimits} from '../../model/health.ts';

const PERIOD_US = 100_000;
const REMOVE_AGAIN_MS = 20;
const REMOVE_WITHIN_MS = 2000;

type Held = Pick<AttemptLimits, 'memoryBytes' | 'cpus'>;

/** Where the kernel says what there is; given, so that it can be tried out. */
export interface ControlGroupPlaces {
  readonly mount: string;
  /** As /proc/self/cgroup. */
  readonly own: string;
}

const PLACES: ControlGroupPlaces = {mount: '/sys/fs/cgroup', own: '/proc/self/cgroup'};

/**
 * The place where cgroups (v2) for attempts can be made: the nearest one upwards from our own that is ours to write and hands
 * `controllers` on to those below it. Null: there is none, as on most machines without a delegated one.
 */
export function controlGroupFolder(controllers: readonly string[], places: ControlGroupPlaces = PLACES): string | null {
  const own = /^0::(\/.*)$/m.exec(textOf(places.own))?.[1];
  if (own === undefined) return null;
  for (let place = own; ; place = dirname(place)) {
    const folder = join(places.mount, place);
    const handedOn = textOf(join(folder, 'cgroup.subtree_control')).trim().split(' ');
    if (controllers.every(name => handedOn.includes(name)) && isWritable(folder)) return folder;
    if (place === '/') return null;
  }
}

/** A cgroup that holds one attempt to its limits, harder than a watchdog can. */
export class ControlGroup {
  readonly #folder: string;

  /** Null when none can be made: then the watchdog and `nice` do what they can. */
  static open(name: string, limits: Held, places: ControlGroupPlaces = PLACES): ControlGroup | null {
    const {memoryBytes, cpus} = limits;
    const controllers = [...(memoryBytes === undefined ? [] : ['memory']), ...(cpus === undefined ? [] : ['cpu'])];
    if (controllers.length === 0) return null;
    const parent = controlGroupFolder(controllers, places);
    if (parent === null) return null;
    const group = new ControlGroup(join(parent, name));
    try {
      mkdirSync(group.#folder, {recursive: true});
      if (memoryBytes !== undefined) group.#set('memory.max', String(memoryBytes));
      if (cpus !== undefined) group.#set('cpu.max', `${Math.max(1000, Math.round(cpus * PERIOD_US))} ${PERIOD_US}`);
      return group;
    } catch {
      // Writable by its mode, and still not ours (a read-only mount, for example).
      group.#remove();
      return null;
    }
  }

  private constructor(folder: string) {
    this.#folder = folder;
  }

  /** Takes a process and what it starts from now on; false when the kernel does not let us. */
  take(pid: number): boolean {
    try {
      this.#set('cgroup.procs', String(pid));
      return true;
    } catch {
      return false;
    }
  }

  /** Whether the kernel has ended a process of it because of its memory. */
  get hasRunOut(): boolean {
    return Number(/^oom_kill (\d+)$/m.exec(textOf(join(this.#folder, 'memory.events')))?.[1] ?? 0) > 0;
  }

  /** Its processes must be gone, or going. */
  close(untilMs = readClock().monoMs + REMOVE_WITHIN_MS): void {
    if (this.#remove() || readClock().monoMs > untilMs) return;
    setTimeout(() => this.close(untilMs), REMOVE_AGAIN_MS);
  }

  #remove(): boolean {
    try {
      rmdirSync(this.#folder);
      return true;
    } catch (error) {
      return error instanceof Error && 'code' in error && error.code === 'ENOENT';
    }
  }

  #set(file: string, value: string): void {
    writeFileSync(join(this.#folder, file), value);
  }
}

function isWritable(folder: string): boolean {
  try {
    accessSync(join(folder, 'cgroup.procs'), constants.W_OK);
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}

/** Empty when there is none. */
function textOf(file: string): string {
  try {
    return readFileSync(file, 'latin1');
  } catch {
    return '';
  }
}
