import type {TeamSpec} from '../model/team.ts';
import type {Dice} from './dice.ts';
import type {Faults} from './faults.ts';
import {randomBudget, randomEscalation, randomGroups, repositoryOf} from './random-agents.ts';
import {type Behaviour, randomPlan} from './random-plan.ts';

/** A team that somebody is going to ask for, and what else they will do to it. */
export interface Wish {
  /** `cwd` is different for every wish, so that a team can be traced back to it whatever it is called. */
  readonly spec: TeamSpec;
  readonly nameTaken: 'refuse' | 'suffix';
  readonly spawnAfterMs: number;
  /** Milliseconds after the spawn; null: the team is left alone. */
  readonly endAfterMs: number | null;
  readonly removes: boolean;
  readonly behaviours: ReadonlyMap<string, Behaviour>;
}

/** `agentDice` draws what coding agents add. */
export function randomWishes({dice, agentDice, faults}: Omit<WishOptions, 'index' | 'sameName'>): readonly Wish[] {
  const teams = dice.pick([1, 1, 1, 2, 2, 3]);
  const sameName = dice.chance(0.3);
  return Array.from({length: teams}, (_, index) => {
    return randomWish(sameName ? 'alpha' : (['alpha', 'beta', 'gamma'][index] ?? 'delta'), {
      index,
      sameName,
      dice,
      agentDice,
      faults,
    });
  });
}

interface WishOptions {
  readonly index: number;
  readonly sameName: boolean;
  readonly dice: Dice;
  readonly agentDice: Dice;
  readonly faults: Faults;
}

function randomWish(name: string, {index, sameName, dice, agentDice, faults}: WishOptions): Wish {
  const idle = dice.chance(0.06);
  const ends = idle || dice.chance(faults.userKill);
  const timeoutMs = dice.chance(0.12) ? Math.round(dice.spread(500, 7_200_000)) : null;
  const willBeEnded = ends || timeoutMs !== null;
  const groups = agentDice.chance(0.55) ? randomGroups(agentDice, {mustDoAll: !willBeEnded}) : null;
  const {plan, behaviours} = randomPlan({dice, faults, willBeEnded, groups, agentDice});
  const agents = groups && randomAgents(groups, {index, name, dice: agentDice});
  const escalate = agents ? randomEscalation(agentDice) : undefined;
  const spec: TeamSpec = {
    name,
    count: dice.chance(0.1) ? dice.whole(20, 50) : dice.whole(1, 8),
    plan: idle ? null : {...plan, ...(escalate ? {escalate} : {})},
    cwd: `/project/${index}`,
    umask: 0o22,
    env: {},
    secretNames: [],
    failFast: dice.chance(0.15),
    maxFailures: dice.chance(0.12) ? dice.whole(1, 4) : null,
    timeoutMs,
    traceId: String(index).padStart(32, '0'),
    ...agents,
  };
  return {
    spec,
    nameTaken: sameName ? 'suffix' : 'refuse',
    spawnAfterMs: index === 0 ? 0 : dice.spread(1, 30_000),
    endAfterMs: ends ? dice.spread(10, 200_000) : null,
    removes: dice.chance(0.2),
    behaviours,
  };
}

function randomAgents(
  groups: NonNullable<TeamSpec['groups']>,
  {index, name, dice}: {index: number; name: string; dice: Dice},
): Pick<TeamSpec, 'count' | 'groups' | 'budget' | 'repository'> {
  const budget = randomBudget(dice);
  return {
    count: groups.reduce((sum, {count}) => sum + count, 0),
    groups,
    repository: repositoryOf(`/project/${index}`, `godel/${name}`),
    ...(budget ? {budget} : {}),
  };
}
