import type {ProcessProbe} from '../model/health.ts';
import type {Dice} from './dice.ts';
import type {VirtualTime} from './virtual-time.ts';

/** How it hangs: stopped by a signal, or waiting for something that does not come; `working`: it gets no processor. */
export type HungState = 'stopped' | 'waiting' | 'working';

/** The process of a host as the OS sees it: it lives, hangs for a while, and is gone. */
export class HostProcess {
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  #alive = true;
  #hung: HungState | null = null;
  /** When it last hung, or woke up from that. */
  #lastHungMs: number | null = null;
  /** What it would have done had it not hung. */
  #backlog: (() => void)[] = [];
  #cpuMs = 0;

  constructor(time: VirtualTime, dice: Dice) {
    this.#time = time;
    this.#dice = dice;
  }

  get isAlive(): boolean {
    return this.#alive;
  }

  get isHanging(): boolean {
    return this.#hung !== null;
  }

  get lastHungMs(): number | null {
    return this.#hung !== null && this.#hung !== 'working' ? this.#time.now().monoMs : this.#lastHungMs;
  }

  /** Does nothing for so long. */
  fallSilent(ms: number, state: HungState): void {
    this.#hung = state;
    this.#time.after(ms, () => {
      if (!this.#alive) return;
      this.#hung = null;
      if (state !== 'working') this.#lastHungMs = this.#time.now().monoMs;
      for (const act of this.#backlog.splice(0)) act();
    });
  }

  /** Does it now or, while it hangs, as soon as it goes on. */
  awake(act: () => void): void {
    if (this.#hung !== null) this.#backlog.push(act);
    else if (this.#alive) act();
  }

  /** What the OS would say of it. */
  probe(): ProcessProbe {
    if (!this.#alive) return {state: 'gone', cpuMs: null};
    if (this.#hung !== null && this.#hung !== 'working') return {state: this.#hung, cpuMs: this.#cpuMs};
    this.#cpuMs += 5;
    if (this.#hung !== null) return {state: 'working', cpuMs: this.#cpuMs};
    return {state: this.#dice.pick(['working', 'waiting', 'blocked']), cpuMs: this.#cpuMs};
  }

  die(): void {
    this.#alive = false;
    this.#backlog = [];
  }
}
