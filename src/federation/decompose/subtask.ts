import type {Estimate} from '../../model/task.ts';

/** A part of a task, as the text itself has it. Nothing in here was made up. */
export interface Subtask {
  /** Made from its words; unique within the task, and fit to be a task id of a plan. */
  readonly id: string;
  /** Its first line. */
  readonly title: string;
  /** What whoever does it is to be told: its own text, and what it is part of. */
  readonly prompt: string;
  /** Ids of those that must be over first. */
  readonly dependencies: readonly string[];
  /** Higher goes first; 0 where the text says nothing. */
  readonly priority: number;
  /** Guessed from words and file types: a preference, never a condition. */
  readonly skills: readonly string[];
  /** Only what the text says; null: nothing. */
  readonly estimate: Estimate | null;
  /** Files, folders and globs of the repository that it names, relative to the current folder. */
  readonly files: readonly string[];
  /** Do it once for each of these. Empty: do it once. */
  readonly over: readonly string[];
  /** It has parts that are subtasks of their own and come before it. */
  readonly hasParts: boolean;
  /** Where it stands in the text, from 1. */
  readonly line: number;
}

/** What the reading of a text came to; `reading` has a line for each rule that was applied. */
export type Decomposition =
  | {
      readonly kind: 'subtasks';
      readonly subtasks: readonly Subtask[];
      readonly reading: readonly string[];
      /** The most that can be at work at the same time, at least 1. */
      readonly width: number;
    }
  /** The text has no structure to go by. */
  | {
      readonly kind: 'needs-model';
      readonly because: string;
      readonly subtasks: readonly [];
      readonly reading: readonly string[];
    }
  /** The text has structure, and nothing can be made of it. */
  | {
      readonly kind: 'refused';
      readonly because: string;
      readonly subtasks: readonly [];
      readonly reading: readonly string[];
    };

/** What there is in the repository. Absent where nobody has looked: then nothing is said for each file of it. */
export interface RepositoryFiles {
  /** Files that match a glob, sorted, relative to the current folder; a folder stands for all in it. */
  files(glob: string): readonly string[];
  /** Folders that match a glob, sorted. */
  folders(glob: string): readonly string[];
  /** Folders with a manifest of their own (package.json, Cargo.toml…), without the one that holds all others. */
  packages(): readonly string[];
}
