import type {TeamSpec} from '../model/team.ts';
import type {Dice} from './dice.ts';
import type {Plan} from '../model/plan.ts';
import type {Faults} from './faults.ts';
import {randomAutoscale, randomOrders, randomStrategy, type TimedOrder} from './orders.ts';
import {randomBudget, randomEscalation, randomGroups, repositoryOf} from './random-agents.ts';
import {type Behaviour, randomPlan} from './random-plan.ts';
import {withTwins} from './random-twins.ts';

/** A team that somebody is going to ask for, and what else they will do to it. */
export interface Wish {
  /** `cwd` is different for every wish, so that a team can be traced back to it whatever it is called. */
  readonly spec: TeamSpec;
  readonly nameTaken: 'refuse' | 'suffix';
  readonly spawnAfterMs: number;
  /** Milliseconds after the spawn; null: the team is left alone. */
  readonly endAfterMs: number | null;
  /** Something will end it from outside. */
  readonly willBeEnded: boolean;
  readonly removes: boolean;
  readonly orders: readonly TimedOrder[];
  /** More for a team without a plan, one after the other. */
  readonly plans: readonly Plan[];
  /** How often it is taken up again when it is over. */
  readonly revivals: number;
  readonly behaviours: ReadonlyMap<string, Behaviour>;
}

/** `agentDice` draws what coding agents add, `changeDice` what is changed while the team is at work, `twinDice` what may run twice. */
export function randomWishes({
  dice,
  agentDice,
  changeDice,
  twinDice,
  faults,
}: Omit<WishOptions, 'index' | 'sameName'>): readonly Wish[] {
  const teams = dice.pick([1, 1, 1, 2, 2, 3]);
  const sameName = dice.chance(0.3);
  return Array.from({length: teams}, (_, index) => {
    return randomWish(sameName ? 'alpha' : (['alpha', 'beta', 'gamma'][index] ?? 'delta'), {
      index,
      sameName,
      dice,
      agentDice,
      changeDice,
      twinDice,
      faults,
    });
  });
}

interface WishOptions {
  readonly index: number;
  readonly sameName: boolean;
  readonly dice: Dice;
  readonly agentDice: Dice;
  readonly changeDice: Dice;
  readonly twinDice: Dice;
  readonly faults: Faults;
}

function randomWish(name: string, {index, sameName, dice, agentDice, changeDice, twinDice, faults}: WishOptions): Wish {
  const idle = dice.chance(0.06) || changeDice.chance(0.08);
  const ends = idle || dice.chance(faults.userKill);
  const timeoutMs = dice.chance(0.12) ? Math.round(dice.spread(500, 7_200_000)) : null;
  const willBeEnded = ends || timeoutMs !== null;
  const groups = agentDice.chance(0.55) ? randomGroups(agentDice, {mustDoAll: !willBeEnded}) : null;
  const single = randomPlan({dice, faults, willBeEnded, groups, agentDice});
  const {plan, behaviours} = withTwins(single, twinDice);
  const more = idle && changeDice.chance(0.8) ? plansOf(plan, changeDice) : [];
  const agents = groups && randomAgents(groups, {index, name, dice: agentDice});
  const escalate = agents ? randomEscalation(agentDice) : undefined;
  const spec: TeamSpec = {
    name,
    count: randomCount(dice, {isForTwins: plan !== single.plan, twinDice}),
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
    ...(changeDice.chance(faults.scaling) ? {autoscale: randomAutoscale(changeDice)} : {}),
    ...(changeDice.chance(0.3) ? {strategy: randomStrategy(changeDice)} : {}),
    ...(changeDice.chance(0.3) ? {onBudget: changeDice.pick(['pause', 'ask'])} : {}),
  };
  return {
    spec,
    nameTaken: sameName ? 'suffix' : 'refuse',
    spawnAfterMs: index === 0 ? 0 : dice.spread(1, 30_000),
    endAfterMs: ends ? dice.spread(10, 200_000) : null,
    willBeEnded,
    removes: dice.chance(0.2),
    orders: randomOrders(changeDice, {groups: spec.groups, faults}),
    plans: more,
    revivals: changeDice.chance(faults.userMeddles) ? changeDice.whole(1, 2) : 0,
    behaviours,
  };
}

function randomCount(dice: Dice, {isForTwins, twinDice}: {isForTwins: boolean; twinDice: Dice}): number {
  const count = dice.chance(0.1) ? dice.whole(20, 50) : dice.whole(1, 8);
  // Second attempts are for agents that are free.
  return isForTwins && twinDice.chance(0.6) ? twinDice.whole(10, 40) : count;
}

/** The plan, and perhaps the same once more, whose tasks get other ids then. */
function plansOf(plan: Plan, dice: Dice): readonly Plan[] {
  return dice.chance(0.5) ? [plan, plan] : [plan];
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
