import {formatSize} from '../../base/size.ts';
import {readClock} from '../../base/clock.ts';
import type {Vitals} from '../../model/health.ts';
import {ProcessTrees} from '../../os/process-trees.ts';
import {VitalsFeed} from './vitals-feed.ts';
import type {Watched} from './watched.ts';

/** After a start everything is looked at soon, then less and less often while all is well. */
const FIRST_MS = 500;
const LONGEST_MS = 2000;
/** The same while nothing changes at all. The daemon compares processor time over four seconds: it has to hear of it by then. */
const LONGEST_QUIET_MS = 3500;
const LONGER_BY = 1.5;
/** How often one that comes near its limit is looked at, or one that does not hold still. */
const CLOSE_MS = 100;
/** Looks at those take at most this share of one core. */
const CLOSE_SHARE = 0.1;
/** Looks take at most this share of one core. */
const SHARE = 0.015;
/** Who was a stranger is looked at anew, as pids are used again. */
const ANEW_MS = 30_000;
/** A program forks on while it is being stopped. */
const HOLD_ROUNDS = 3;

/** States of a process that is stopped: `ps` calls one T that was stopped by a debugger, and Linux calls that t. */
const STOPPED = ['T', 't'];

/**
 * Looks after the processes of all attempts of the host with one timer, which runs only while something does: what they use, the
 * limits of that, and that those that are paused hold still.
 */
export class AttemptWatch {
  readonly #trees: ProcessTrees;
  readonly #lives = new Set<Watched>();
  readonly #close = new Set<Watched>();
  readonly #feed = new VitalsFeed();
  #timer: NodeJS.Timeout | undefined;
  #intervalMs = FIRST_MS;
  #allDueMs = Infinity;
  #closeMs = CLOSE_MS;
  #anewMs = 0;

  constructor(trees = new ProcessTrees()) {
    this.#trees = trees;
  }

  /** Takes this process group, and what comes of it, for the attempt's. */
  follow(life: Watched, groupId: number): void {
    this.#lives.add(life);
    this.#trees.follow(life.cookie, groupId);
    this.#intervalMs = FIRST_MS;
    this.#allDueMs = Math.min(this.#allDueMs, readClock().monoMs + FIRST_MS);
    // One that takes memory fast, or starts others at once, has to be seen before the rest is.
    if (life.memory || life.limits.nice !== undefined) this.#close.add(life);
    this.#arm();
  }

  /** The group's leader has ended. */
  leave(life: Watched, groupId: number): void {
    this.#trees.leave(life.cookie, groupId);
  }

  forget(life: Watched): void {
    this.#lives.delete(life);
    this.#close.delete(life);
    this.#feed.forget(life);
    this.#trees.forget(life.cookie);
    if (this.#lives.size > 0) return;
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#allDueMs = Infinity;
  }

  /** Stops the processes of an attempt where they are. */
  hold(life: Watched): void {
    if (!this.#lives.has(life)) return;
    this.#close.add(life);
    this.#trees.signalGroups(life.cookie, 'SIGSTOP');
    for (let round = 0; round < HOLD_ROUNDS; round += 1) {
      this.#trees.look(new Set([life.cookie]));
      if (this.#trees.signal(life.cookie, 'SIGSTOP', STOPPED) === 0) break;
    }
    this.#arm();
  }

  letGo(life: Watched): void {
    if (!this.#lives.has(life)) return;
    this.#trees.look(new Set([life.cookie]));
    this.#trees.signalGroups(life.cookie, 'SIGCONT');
    this.#trees.signal(life.cookie, 'SIGCONT');
  }

  /** What is to be said of the attempts that have changed since the last time. */
  vitals(): readonly Vitals[] {
    return this.#feed.changed([...this.#lives], life => this.#trees.use(life.cookie));
  }

  /** Whoever is told from now on knows nothing. */
  retell(): void {
    this.#feed.clear();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#lives.clear();
  }

  #arm(): void {
    if (this.#lives.size === 0) return;
    const nowMs = readClock().monoMs;
    const dueMs = this.#close.size > 0 ? Math.min(this.#allDueMs, nowMs + this.#closeMs) : this.#allDueMs;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#wake(), Math.max(0, dueMs - nowMs));
  }

  #wake(): void {
    const startedMs = readClock().monoMs;
    if (startedMs < this.#allDueMs) {
      this.#lookAt([...this.#close]);
      this.#closeMs = Math.max(CLOSE_MS, (readClock().monoMs - startedMs) / CLOSE_SHARE);
    } else {
      if (startedMs >= this.#anewMs) {
        this.#trees.lookAnew();
        this.#anewMs = startedMs + ANEW_MS;
      }
      const isQuiet = !this.#lookAt([...this.#lives]);
      const endedMs = readClock().monoMs;
      const mostMs = isQuiet ? LONGEST_QUIET_MS : LONGEST_MS;
      const longestMs = Math.max(FIRST_MS / 2, Math.min(mostMs, this.#shortestBudgetMs()));
      this.#intervalMs = Math.min(longestMs, this.#intervalMs * LONGER_BY);
      this.#allDueMs = endedMs + Math.max(this.#intervalMs, (endedMs - startedMs) / SHARE);
    }
    this.#arm();
  }

  /**
   * Whether an attempt is silent, and idle, has to be known well before its budget is used up; and memory can be taken at any
   * time.
   */
  #shortestBudgetMs(): number {
    let shortestMs = Infinity;
    for (const {memory, limits} of this.#lives) {
      const silenceMs = (limits.silenceMs ?? Infinity) / 4;
      shortestMs = Math.min(shortestMs, silenceMs, memory === null ? Infinity : FIRST_MS);
    }
    return shortestMs;
  }

  /** Returns whether anything is different from the last look. */
  #lookAt(lives: readonly Watched[]): boolean {
    const isChanged = this.#trees.look(
      lives.length === this.#lives.size ? undefined : new Set(lives.map(({cookie}) => cookie)),
    );
    for (const life of lives) {
      const {nice} = life.limits;
      if (nice !== undefined) this.#trees.makeNice(life.cookie, nice);
      const isStill = this.#holdStill(life);
      if (this.#mindMemory(life) || !isStill) this.#close.add(life);
      else this.#close.delete(life);
    }
    return isChanged;
  }

  /** Also what has only now been found of it; returns whether nothing moved. */
  #holdStill({pause, ending, cookie}: Watched): boolean {
    if (!pause.isPaused || ending.failure) return true;
    return this.#trees.signal(cookie, 'SIGSTOP', STOPPED) === 0;
  }

  /** Returns whether it has to be looked at closely. */
  #mindMemory(life: Watched): boolean {
    const {memory, cookie} = life;
    const used = this.#trees.use(cookie)?.rssBytes ?? null;
    if (memory === null || used === null) return false;
    const judgement = memory.judge(used);
    switch (judgement) {
      case 'fine':
        return false;
      case 'watch':
        return true;
      case 'warn':
        life.warn(`it uses ${formatSize(used)} of the ${formatSize(memory.limitBytes)} of memory that it may`);
        return true;
      case 'over':
        life.outOfMemory(used);
        return true;
      case 'runaway':
        life.outOfMemory(used);
        // Asked to end it could take what others need.
        this.#trees.signal(cookie, 'SIGKILL');
        return true;
    }
  }
}
