import type {Random} from '../../src/base/random.ts';

/** A way to try: what an agent is told of it, and what is run. */
export interface Approach {
  readonly name: string;
  /** A line of bash, run in a folder that holds `input`. */
  readonly command: string;
}

/** All that an agent is told of what it is to do. */
export interface Task {
  readonly text: string;
  /** In an order of their own for each task. */
  readonly approaches: readonly Approach[];
}

/** What there is to work on, and what it must become; agents see none of it. */
export interface Material {
  readonly input: string | Buffer;
  /** Lies beside the input for `verify`; null: what is right follows from the input. */
  readonly expected: string | Buffer | null;
  /** A line of bash: whether `output` is right. */
  readonly verify: string;
}

/** A task with what is hidden from whoever does it. */
export interface Challenge {
  readonly task: Task;
  readonly family: string;
  /** Nothing that was learnt can help here. */
  readonly isNoise: boolean;
  /** What this attempt finds; `attempt` counts from 1. Some find an input that has not arrived in full. */
  material(attempt: number): Material;
}

/** Phrases that tasks are made of, and those that stay back for the tasks that nobody has seen. */
export interface Words {
  readonly known: readonly string[];
  readonly unseen: readonly string[];
}

/** A kind of work: its families have the same approaches and the same way of speaking, but not the same approach that works. */
export interface Work {
  readonly approaches: readonly Approach[];
  readonly verbs: Words;
  readonly families: readonly Family[];
}

export interface Family {
  readonly name: string;
  readonly things: Words;
  /** An easy one is one that some approaches get right by luck. */
  make(random: Random, isEasy: boolean): Material;
  readonly isNoise?: boolean;
}
