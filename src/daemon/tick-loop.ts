import {backoffMs} from '../base/backoff.ts';
import {type Now, readClock} from '../base/clock.ts';
import type {Random} from '../base/random.ts';
import type {Engine} from '../federation/engine.ts';
import type {Effect, Input, Step} from '../federation/engine-io.ts';
import type {StoredEvent} from '../model/event.ts';
import {failureOf} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import type {TeamId} from '../model/ids.ts';
import type {EngineRecord} from '../model/record.ts';
import type {Store} from '../store/store.ts';
import type {Log} from './log.ts';

export interface TickLoopOptions {
  readonly engine: Pick<Engine, 'handle' | 'nextDeadlineMs'>;
  readonly store: Pick<Store, 'commit'>;
  readonly perform: (effect: Effect) => void;
  /** After every tick whose records are durable and whose effects have been carried out. */
  readonly settled: (tick: SettledTick) => void;
  readonly log: Log;
  readonly random: Random;
  readonly readNow?: () => Now;
}

export interface SettledTick {
  /** In the order in which they were made. */
  readonly records: readonly EngineRecord[];
  readonly events: readonly StoredEvent[];
  /** Teams of which something was recorded. */
  readonly teams: ReadonlySet<TeamId>;
}

/** When the sender of an input wants to be called. */
export interface Moments {
  /** The effects of earlier inputs have been carried out, its own come next. */
  readonly effective?: () => void;
  /** Everything that follows from it has been committed and carried out. */
  readonly durable?: () => void;
}

interface Queued extends Moments {
  readonly input: Input;
}

interface Batch {
  readonly records: EngineRecord[];
  readonly effects: (Effect | (() => void))[];
  readonly durable: (() => void)[];
}

const RETRY = {baseMs: 100, maxMs: 5000};
/** The longest delay that setTimeout takes. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/**
 * Where deciding becomes doing. All inputs of one turn of the event loop are handled, everything that was decided is
 * committed in one transaction, and only then its effects are carried out. While a commit fails (full disk) its batch is
 * kept and tried again, and nothing else is handled, acknowledged or carried out.
 */
export class TickLoop {
  readonly #options: TickLoopOptions;
  readonly #readNow: () => Now;
  #queue: Queued[] = [];
  #batch: Batch | null = null;
  #isScheduled = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;
  #failedCommits = 0;
  #trouble: string | null = null;

  constructor(options: TickLoopOptions) {
    this.#options = options;
    this.#readNow = options.readNow ?? readClock;
  }

  /** Why nothing can be recorded just now; null when all is well. */
  get trouble(): string | null {
    return this.#trouble;
  }

  submit(input: Input, moments: Moments = {}): void {
    if (this.#isClosed) return;
    this.#queue.push({input, ...moments});
    this.#schedule();
  }

  /** Commits and carries out what the engine decided when it was restored. */
  begin(step: Step): void {
    this.#batch = {records: step.records, effects: step.effects, durable: []};
    this.#schedule();
  }

  /** Handles what has arrived; afterwards nothing is handled any more. What cannot be committed now stays unsaid. */
  close(): void {
    if (this.#isClosed) return;
    this.#tick();
    this.#isClosed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#retry);
  }

  #schedule(): void {
    if (this.#isScheduled || this.#retry !== undefined) return;
    this.#isScheduled = true;
    setImmediate(() => {
      this.#isScheduled = false;
      if (!this.#isClosed) this.#tick();
    });
  }

  #tick(): void {
    this.#batch ??= this.#decide();
    const batch = this.#batch;
    const events = this.#commit(batch.records);
    if (!events) return;
    this.#batch = null;
    for (const effect of batch.effects) this.#perform(effect);
    for (const durable of batch.durable) durable();
    this.#options.settled({records: batch.records, events, teams: teamsOf(batch.records)});
    if (this.#queue.length > 0) this.#schedule();
    this.#armTimer();
  }

  /** A throw of the engine is a bug that leaves it in an unknown state: it ends the process, the store goes on. */
  #decide(): Batch {
    const queue = this.#queue;
    this.#queue = [];
    const batch: Batch = {records: [], effects: [], durable: []};
    for (const {input, effective, durable} of queue) {
      const step = this.#options.engine.handle(input, this.#readNow());
      for (const record of step.records) batch.records.push(record);
      if (effective) batch.effects.push(effective);
      for (const effect of step.effects) batch.effects.push(effect);
      if (durable) batch.durable.push(durable);
    }
    return batch;
  }

  #commit(records: readonly EngineRecord[]): readonly StoredEvent[] | null {
    const {store, log, random} = this.#options;
    try {
      const events = records.length === 0 ? [] : store.commit(records);
      if (this.#trouble !== null) log.info({failedCommits: this.#failedCommits}, 'the store can be written again');
      this.#trouble = null;
      this.#failedCommits = 0;
      return events;
    } catch (error) {
      const failure = failureOf(error);
      if (failure.reason !== 'store-unusable') throw error;
      this.#failedCommits += 1;
      this.#trouble = failureText(failure);
      const delayMs = backoffMs(this.#failedCommits, RETRY, random);
      log.error({failure, records: records.length, retryInMs: Math.round(delayMs)}, 'the store cannot be written');
      this.#retry = setTimeout(() => {
        this.#retry = undefined;
        this.#schedule();
      }, delayMs);
      return null;
    }
  }

  /** One effect that fails by a bug must not take the others with it: they belong to other teams. */
  #perform(effect: Effect | (() => void)): void {
    try {
      if (typeof effect === 'function') effect();
      else this.#options.perform(effect);
    } catch (error) {
      this.#options.log.error(
        {effect: typeof effect === 'function' ? 'effective' : effect.type, error: failureOf(error)},
        'an effect failed',
      );
    }
  }

  #armTimer(): void {
    clearTimeout(this.#timer);
    const deadlineMs = this.#options.engine.nextDeadlineMs();
    if (deadlineMs === null || this.#isClosed) return;
    const delayMs = Math.ceil(Math.max(0, deadlineMs - this.#readNow().monoMs));
    this.#timer = setTimeout(() => this.submit({type: 'tick'}), Math.min(delayMs, MAX_TIMER_MS));
  }
}

function teamsOf(records: readonly EngineRecord[]): Set<TeamId> {
  const teams = new Set<TeamId>();
  for (const record of records) {
    if (record.kind === 'event') {
      if (record.event.teamId !== null) teams.add(record.event.teamId);
    } else if ('teamId' in record) teams.add(record.teamId);
    else if (record.kind === 'team-created' || record.kind === 'team-state' || record.kind === 'team-finished') {
      teams.add(record.id);
    }
  }
  return teams;
}
