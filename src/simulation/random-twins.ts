import type {TaskSpec} from '../model/task.ts';
import type {Dice} from './dice.ts';
import type {Behaviour, RandomPlan} from './random-plan.ts';

/**
 * The plan, perhaps made so that attempts get second ones beside them: few scripts, so that there are many of each to compare
 * with, which take about as long as each other but for some; and most of them marked as safe to run twice. Draws from dice of
 * its own.
 */
export function withTwins({plan, behaviours}: RandomPlan, dice: Dice): RandomPlan {
  if (!dice.chance(0.5)) return {plan, behaviours};
  const scripts = dice.whole(1, 3);
  const usualMs = dice.spread(300, 20_000);
  const isBag = dice.chance(0.7);
  const speculate = {commands: true, prompts: dice.chance(0.6), budgetShare: dice.pick([0.05, 0.2, 1])};
  return {
    plan: {
      ...plan,
      tasks: plan.tasks.map(task => withTwin(isBag ? alone(task) : task, {scripts, dice})),
      ...(dice.chance(0.8) ? {speculate} : {}),
    },
    behaviours: new Map([...behaviours].map(([id, behaviour]) => [id, alike(behaviour, {usualMs, dice})])),
  };
}

function withTwin(task: TaskSpec, {scripts, dice}: {scripts: number; dice: Dice}): TaskSpec {
  if (task.reviews !== undefined) return task;
  const marked = dice.chance(0.8) ? {idempotent: dice.chance(0.85)} : {};
  if (task.prompt !== undefined) return {...task, ...marked};
  return {...task, ...marked, run: `do ${dice.whole(1, scripts)}`};
}

/** Needs nothing but what its items come from: agents are free while the last ones run. */
function alone(task: TaskSpec): TaskSpec {
  if (task.reviews !== undefined || task.foreach?.from === 'output') return task;
  return {...task, needs: [], condition: 'success'};
}

/** One in six now and then takes very long. */
function alike(behaviour: Behaviour, {usualMs, dice}: {usualMs: number; dice: Dice}): Behaviour {
  const times = dice.chance(0.16) ? dice.spread(3, 30) : 1.2;
  return {...behaviour, minMs: usualMs, maxMs: usualMs * times};
}
