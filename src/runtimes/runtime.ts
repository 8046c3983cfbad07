import type {Result} from '../base/result.ts';

/** A program with its arguments, as the OS starts it. */
export interface Command {
  readonly file: string;
  readonly args: readonly string[];
}

/** How an agent does a task. */
export interface Runtime {
  /** Whether this runtime works here, found out by using it; the failure is a sentence for people. */
  probe(): Promise<Result<void, string>>;
  commandFor(script: string): Command;
}
