import type {AttemptLimits} from '../../model/health.ts';
import type {AttemptId} from '../../model/ids.ts';
import {setNice} from '../../os/process-trees.ts';
import type {AttemptClock} from '../attempt-clock.ts';
import type {Ending} from '../ending.ts';
import {Pause} from '../pause.ts';
import type {AttemptWatch} from './attempt-watch.ts';
import {ControlGroup} from './control-groups.ts';
import {MemoryLimit} from './memory-limit.ts';
import {Pulse} from './pulse.ts';
import type {Watched} from './watched.ts';

export interface AttemptLifeOptions {
  readonly attempt: AttemptId;
  readonly cookie: string;
  readonly limits: AttemptLimits;
  readonly ending: Ending;
  readonly clock: AttemptClock;
  readonly watch: AttemptWatch;
  /** Something to know though it goes on. */
  readonly warn: (text: string) => void;
}

/** The running programs of one attempt: their signs of life, what they may use, and whether they are held. */
export class AttemptLife implements Watched {
  readonly attempt: AttemptId;
  readonly cookie: string;
  readonly limits: AttemptLimits;
  readonly ending: Ending;
  readonly pulse = new Pulse();
  readonly pause = new Pause();
  readonly memory: MemoryLimit | null;
  readonly warn: (text: string) => void;
  readonly #clock: AttemptClock;
  readonly #watch: AttemptWatch;
  #controlGroup: ControlGroup | null = null;
  #groupId: number | undefined;

  constructor({attempt, cookie, limits, ending, clock, watch, warn}: AttemptLifeOptions) {
    this.attempt = attempt;
    this.cookie = cookie;
    this.limits = limits;
    this.ending = ending;
    this.warn = warn;
    this.memory = limits.memoryBytes === undefined ? null : new MemoryLimit(limits.memoryBytes);
    this.#clock = clock;
    this.#watch = watch;
  }

  /** Holds everything that runs of it, and what has not been started is not until it goes on. */
  setPaused(isPaused: boolean): void {
    if (this.pause.isPaused === isPaused) return;
    if (isPaused) this.#clock.pause();
    else this.#clock.resume();
    this.pulse.isPaused = isPaused;
    this.pause.set(isPaused);
    if (isPaused) this.#watch.hold(this);
    else this.#watch.letGo(this);
  }

  /** A program of it has been started just now, and has hardly run yet. */
  begun(pid: number): void {
    const {nice} = this.limits;
    if (nice !== undefined) setNice(pid, nice);
    this.#controlGroup ??= ControlGroup.open(`godel-${this.cookie}`, this.limits);
    this.#controlGroup?.take(pid);
    this.#groupId = pid;
    this.pulse.begun();
    this.#watch.follow(this, pid);
    if (this.pause.isPaused) this.#watch.hold(this);
  }

  printed(bytes: number): void {
    this.pulse.printed(bytes);
    const {outputBytes: limitBytes} = this.limits;
    if (limitBytes !== undefined && this.pulse.outputBytes > limitBytes) {
      this.ending.begin({reason: 'output-too-large', limitBytes});
    }
  }

  /** Its program has ended; what that has left is none of ours. */
  ended(): void {
    this.pulse.ended();
    if (this.#groupId !== undefined) this.#watch.leave(this, this.#groupId);
    if (this.#controlGroup?.hasRunOut) this.outOfMemory(this.limits.memoryBytes ?? 0);
  }

  outOfMemory(usedBytes: number): void {
    this.ending.begin({reason: 'memory-exceeded', limitBytes: this.limits.memoryBytes ?? 0, usedBytes});
  }

  /** The attempt is over, and nothing of it is left. */
  close(): void {
    this.#watch.forget(this);
    this.#controlGroup?.close();
  }
}
