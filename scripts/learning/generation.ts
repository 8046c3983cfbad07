import {seededRandom} from '../../src/base/random.ts';
import {EphemeralAgent} from '../../src/hub/client/ephemeral-agent.ts';
import {attempt} from './attempt.ts';
import {seedOf} from './choose.ts';
import {Learner, type Tries} from './learner.ts';
import type {Challenge} from './task.ts';

/** How one agent did at its task. */
export interface Run {
  readonly family: string;
  readonly isNoise: boolean;
  readonly attempts: number;
  readonly success: boolean;
  /** Of all its commands, milliseconds. */
  readonly cpuMs: number;
  readonly wallMs: number;
}

export interface GenerationOptions {
  readonly seed: number;
  /** null: each agent is alone. */
  readonly hub: HubAccess | null;
  /** Whether what is learnt is left to those who come later. */
  readonly leaves: boolean;
  /** Child processes at a time. */
  readonly atOnce: number;
}

export interface HubAccess {
  readonly endpoint: string;
  readonly tenantId: string;
  token(agentId: string): Promise<string>;
}

const LIFETIME_S = 3600;
/** Longer than a generation lives: what they have learned is synced when they end. */
const SYNC_MS = 3_600_000;

/**
 * One agent for each challenge, all alive at the same time. All recall before the first works, so that none learns from its own generation,
 * and when this resolves all are gone and have left what they leave.
 */
export async function liveGeneration(
  challenges: readonly Challenge[],
  {seed, hub, leaves, atOnce}: GenerationOptions,
): Promise<readonly Run[]> {
  const lives = await Promise.all(
    challenges.map(async (challenge, index) => {
      const agent = await spawn(hub);
      const random = seededRandom(seedOf(seed, 'agent', index));
      return {agent, challenge, learner: new Learner(agent, {task: challenge.task, random})};
    }),
  );
  try {
    await Promise.all(lives.map(({learner}) => learner.recall()));
    return await pooled(lives, atOnce, async ({learner, challenge}) => {
      const tries = await learner.work((approach, number) => attempt(approach, challenge.material(number)));
      if (leaves) await learner.remember(tries);
      return runOf(challenge, tries);
    });
  } finally {
    const ends = await Promise.all(lives.map(({agent}) => agent.destroy()));
    const lost = ends.find(({error}) => error !== null)?.error;
    if (lost) throw lost;
  }
}

async function spawn(hub: HubAccess | null): Promise<EphemeralAgent> {
  if (hub === null) return EphemeralAgent.spawn({tenantId: 'alone', lifetime: LIFETIME_S});
  const {endpoint, tenantId} = hub;
  const agentId = `learner-${crypto.randomUUID()}`;
  return EphemeralAgent.spawn({
    tenantId,
    agentId,
    lifetime: LIFETIME_S,
    syncInterval: SYNC_MS,
    finalSyncMs: 60_000,
    hubEndpoint: endpoint,
    token: () => hub.token(agentId),
  });
}

function runOf({family, isNoise}: Challenge, tries: Tries): Run {
  const sum = (pick: (spent: {cpuMs: number; wallMs: number}) => number) =>
    tries.reduce((total, {outcome}) => total + pick(outcome), 0);
  return {
    family,
    isNoise,
    attempts: tries.length,
    success: tries.at(-1)?.outcome.success ?? false,
    cpuMs: sum(({cpuMs}) => cpuMs),
    wallMs: sum(({wallMs}) => wallMs),
  };
}

/** In order of the inputs, at most `atOnce` at a time. */
async function pooled<T, R>(
  inputs: readonly T[],
  atOnce: number,
  act: (input: T) => Promise<R>,
): Promise<readonly R[]> {
  const results = new Map<number, R>();
  const queue = inputs.entries();
  const worker = async () => {
    for (const [index, input] of queue) results.set(index, await act(input));
  };
  await Promise.all(Array.from({length: atOnce}, worker));
  return [...results.entries()].sort(([a], [b]) => a - b).map(([, result]) => result);
}
