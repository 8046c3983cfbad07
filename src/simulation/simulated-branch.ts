import type {MergeRequest} from '../federation/engine-io.ts';
import type {AttemptId, TaskSeq, TeamId} from '../model/ids.ts';
import type {MergeResult} from '../model/work.ts';
import type {Dice} from './dice.ts';
import type {Faults, Tally} from './faults.ts';
import {workOf} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import {hold} from './violation.ts';

interface Merged {
  readonly attempt: AttemptId;
  readonly commit: string;
  readonly tip: string;
}

export interface BranchOptions {
  readonly ledger: Ledger;
  readonly dice: Dice;
  readonly tally: Tally;
  readonly faults: () => Faults;
}

/**
 * The teams' branches in the repository, which outlive every daemon: what really has been merged. A change that is there
 * already is merged by saying so; one that is not may turn out otherwise each time.
 */
export class SimulatedBranch {
  readonly #options: BranchOptions;
  readonly #merged = new Map<string, Merged>();

  constructor(options: BranchOptions) {
    this.#options = options;
  }

  mergeOf(teamId: TeamId, task: TaskSeq): Merged | undefined {
    return this.#merged.get(`${teamId}/${task}`);
  }

  /** All of them, by team and task. */
  get merges(): ReadonlyMap<string, Merged> {
    return this.#merged;
  }

  merge({teamId, task, attempt, work}: MergeRequest): MergeResult {
    const {ledger, tally} = this.#options;
    const before = this.mergeOf(teamId, task);
    hold('the change of a task is merged once', !before || before.attempt === attempt, () => {
      return `attempt ${attempt} after ${before?.attempt}`;
    });
    if (before) {
      tally.add('merge found to be done');
      return {kind: 'merged', tip: before.tip};
    }
    const made = ledger.attempts.get(attempt);
    hold('what is merged is what was made', made !== undefined && workOf(made)?.commit === work.commit, () => {
      return `attempt ${attempt}: ${work.commit}`;
    });
    const trouble = this.#trouble();
    if (trouble) return trouble;
    const tip = (this.#merged.size + 1).toString(16).padStart(40, 'f');
    this.#merged.set(`${teamId}/${task}`, {attempt, commit: work.commit, tip});
    tally.add('merged');
    return {kind: 'merged', tip};
  }

  #trouble(): MergeResult | null {
    const {dice, tally} = this.#options;
    const faults = this.#options.faults();
    const tip = this.#merged.size.toString(16).padStart(40, 'e');
    if (dice.chance(faults.gitTrouble)) {
      tally.add('fault: git trouble');
      return {kind: 'failed', detail: 'No space left on device'};
    }
    if (dice.chance(faults.mergeConflict)) {
      tally.add('fault: merge conflict');
      return {kind: 'conflict', tip, files: ['src/a.ts']};
    }
    if (!dice.chance(faults.mergeBreaks)) return null;
    tally.add('fault: merge breaks the verify of the plan');
    return {kind: 'broke-verify', tip, exitCode: 1, tail: `1 test failed on ${tip.slice(-4)}`};
  }
}
