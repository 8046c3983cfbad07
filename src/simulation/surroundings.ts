import type {Now} from '../base/clock.ts';
import type {AttemptId, HostId} from '../model/ids.ts';
import type {LedgerTask} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import type {SimulatedBranch} from './simulated-branch.ts';
import type {SimulatedMachine} from './simulated-machine.ts';

/** What the invariants go by: an account of the records, and the world as it really is. */
export interface Surroundings {
  readonly ledger: Ledger;
  readonly machine: SimulatedMachine;
  readonly branch: SimulatedBranch;
  readonly now: () => Now;
  /** When the host last hung; null: it never has. */
  readonly lastHungMs: (host: HostId) => number | null;
  /** Whether a living host says it holds the attempt. */
  readonly isHeld: (attempt: AttemptId) => boolean;
  /** For how long it has done nothing; null: it does not run. */
  readonly silentMs: (attempt: AttemptId) => number | null;
  /** The items that the source of a `foreach` has really printed. */
  readonly itemsOf: (group: LedgerTask) => readonly unknown[] | null;
}
