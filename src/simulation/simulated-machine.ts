import type {AttemptOutcome} from '../model/attempt.ts';
import type {AttemptId, HostId, TaskSeq, TeamId} from '../model/ids.ts';
import type {Ledger} from './ledger.ts';
import {hold} from './violation.ts';

/** The processes of one attempt, found by its cookie whatever became of the host that started them. */
export interface ProcessTree {
  readonly attempt: AttemptId;
  readonly teamId: TeamId;
  readonly task: TaskSeq;
  readonly hostId: HostId;
  /** Called when the tree is gone, with how it ended by itself; null when it was killed. */
  readonly onExit: (own: AttemptOutcome | null) => void;
}

/** The machine under the hosts: what really runs on it. The ground truth that the engine has to guess from reports. */
export class SimulatedMachine {
  readonly id = 'machine-1';
  readonly #ledger: Ledger;
  readonly #live = new Map<AttemptId, ProcessTree>();
  readonly #started = new Set<AttemptId>();
  /** When each did something last. */
  readonly #stirred = new Map<AttemptId, number>();
  readonly #outcomes = new Map<AttemptId, AttemptOutcome>();

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  start(tree: ProcessTree): void {
    const {attempt, teamId, task} = tree;
    hold('an attempt is started once', !this.#started.has(attempt), () => `attempt ${attempt}`);
    const other = this.liveOf(teamId, task)[0];
    const isTwin = other && this.#areTwins(attempt, other.attempt);
    hold(
      'one process tree per task, but for twins',
      !other || isTwin === true,
      () => `task ${task}: attempt ${attempt} beside ${other?.attempt}`,
    );
    const leased = this.#ledger.attempts.get(attempt);
    hold('a process runs only under an open lease', leased?.outcome === undefined && leased?.task.seq === task, () => {
      return `attempt ${attempt} starts, which is ${leased ? 'over' : 'unknown'}`;
    });
    this.#started.add(attempt);
    this.#live.set(attempt, tree);
  }

  #areTwins(a: AttemptId, b: AttemptId): boolean {
    const {attempts} = this.#ledger;
    return attempts.get(a)?.twinOf === b || attempts.get(b)?.twinOf === a;
  }

  isLive(attempt: AttemptId): boolean {
    return this.#live.has(attempt);
  }

  liveOf(teamId: TeamId, task?: TaskSeq): readonly ProcessTree[] {
    return [...this.#live.values()].filter(
      tree => tree.teamId === teamId && (task === undefined || tree.task === task),
    );
  }

  liveUnder(hostId: HostId): readonly ProcessTree[] {
    return [...this.#live.values()].filter(tree => tree.hostId === hostId);
  }

  /** Ends the tree, by itself (`own`) or by a signal (null). False when it is gone already. */
  end(attempt: AttemptId, own: AttemptOutcome | null): boolean {
    const tree = this.#live.get(attempt);
    if (!tree) return false;
    this.#live.delete(attempt);
    tree.onExit(own);
    return true;
  }

  /** What a host has said, or is about to say, about how an attempt ended. */
  noteOutcome(attempt: AttemptId, outcome: AttemptOutcome): void {
    this.#outcomes.set(attempt, outcome);
  }

  outcomeOf(attempt: AttemptId): AttemptOutcome | undefined {
    return this.#outcomes.get(attempt);
  }

  /** It has done something. */
  stir(attempt: AttemptId, monoMs: number): void {
    if (this.#live.has(attempt)) this.#stirred.set(attempt, monoMs);
  }

  /** For how long it has done nothing; null: it does not run. */
  silentMs(attempt: AttemptId, monoMs: number): number | null {
    const stirred = this.#stirred.get(attempt);
    return this.#live.has(attempt) && stirred !== undefined ? monoMs - stirred : null;
  }

  get liveCount(): number {
    return this.#live.size;
  }
}
