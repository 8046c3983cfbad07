import type {AttemptLimits} from '../../model/health.ts';
import type {AttemptId} from '../../model/ids.ts';
import type {Ending} from '../ending.ts';
import type {Pause} from '../pause.ts';
import type {MemoryLimit} from './memory-limit.ts';
import type {Pulse} from './pulse.ts';

/** An attempt as those see it that look after its processes. */
export interface Watched {
  readonly attempt: AttemptId;
  /** The mark of its processes. */
  readonly cookie: string;
  readonly limits: AttemptLimits;
  readonly ending: Ending;
  readonly pulse: Pulse;
  readonly pause: Pause;
  /** Null: it may take what there is. */
  readonly memory: MemoryLimit | null;
  /** Something to know though it goes on. */
  readonly warn: (text: string) => void;
  outOfMemory(usedBytes: number): void;
}
