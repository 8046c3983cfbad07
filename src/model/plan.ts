import type {TaskSpec} from './task.ts';

/** A checked plan: ids are unique, needs exist, there is no cycle, defaults are filled in. Made only by `plan/`. */
export interface Plan {
  readonly name: string | null;
  readonly env: Readonly<Record<string, string>>;
  readonly tasks: readonly TaskSpec[];
}
