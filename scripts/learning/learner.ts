import type {Random} from '../../src/base/random.ts';
import type {EphemeralAgent} from '../../src/hub/client/ephemeral-agent.ts';
import type {Outcome} from './attempt.ts';
import {choose, type Remembered, rememberedOf, toldOf} from './policy.ts';
import type {Approach, Task} from './task.ts';

/** What an agent did, in the order in which it did it; the last one succeeded, if any. */
export type Tries = readonly {readonly approach: string; readonly outcome: Outcome}[];

/** Memories that an agent asks for. */
const RECALLED = 24;
/** Many connect at once, and the machine may be busy with others. */
const CONNECT_MS = 120_000;
/** An agent gives up when it has tried as often as there are approaches, this many times over. */
const ROUNDS = 2;
/** So much CPU makes a success worth three quarters of one that costs nothing. */
const DEAR_MS = 50;

/** Knows what it was told of its task and what it recalls; no more. */
export class Learner {
  readonly #agent: EphemeralAgent;
  readonly #task: Task;
  readonly #random: Random;
  #remembered: Remembered = new Map();

  constructor(agent: EphemeralAgent, {task, random}: {task: Task; random: Random}) {
    this.#agent = agent;
    this.#task = task;
    this.#random = random;
  }

  /** Asks for what others have learned at such tasks: its hub by meaning and words, or, where it has none, its own memory. */
  async recall(): Promise<void> {
    const {hub} = this.#agent;
    if (hub !== null) await hub.connect({deadlineMs: CONNECT_MS});
    const from = hub === null ? 'cache' : 'hub';
    const memories = await this.#agent.queryMemories(this.#task.text, RECALLED, {from});
    this.#remembered = rememberedOf(memories, this.#task.approaches);
  }

  /** Tries until something works or it gives up. */
  async work(attempt: (approach: Approach, number: number) => Promise<Outcome>): Promise<Tries> {
    const {approaches} = this.#task;
    const tries: {approach: string; outcome: Outcome}[] = [];
    const failures = new Map<string, number>();
    while (tries.length < ROUNDS * approaches.length) {
      const approach = choose(approaches, {remembered: this.#remembered, failures, random: this.#random});
      const outcome = await attempt(approach, tries.length + 1);
      tries.push({approach: approach.name, outcome});
      if (outcome.success) break;
      failures.set(approach.name, (failures.get(approach.name) ?? 0) + 1);
    }
    return tries;
  }

  /** Leaves an episode for each try. */
  async remember(tries: Tries): Promise<void> {
    for (const {approach, outcome} of tries) {
      await this.#agent.storeEpisode({
        task: this.#task.text,
        output: toldOf(approach, outcome.said),
        success: outcome.success,
        reward: outcome.success ? 1 / 2 + 1 / 2 / (1 + outcome.cpuMs / DEAR_MS) : 0,
      });
    }
  }
}
