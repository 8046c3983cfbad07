import type {AgentGroup, ModelChoice} from '../model/agent.ts';
import type {Budget} from '../model/budget.ts';
import type {Escalation} from '../model/plan.ts';
import type {TeamRepository} from '../model/work.ts';
import type {Dice} from './dice.ts';

const SKILLS = ['go', 'sql', 'css'] as const;
const RUNTIMES = ['claude', 'codex', 'pi', 'opencode'] as const;
const MODELS: Readonly<Record<string, readonly (string | null)[]>> = {
  claude: [null, 'haiku', 'opus'],
  codex: [null, 'mini'],
  pi: [null, 'anthropic/haiku'],
  opencode: ['openai/mini', 'local'],
};

export function someSkills(dice: Dice): readonly string[] {
  return SKILLS.filter(() => dice.chance(0.4));
}

export function someChoice(dice: Dice): ModelChoice {
  const runtime = dice.pick(RUNTIMES);
  return {runtime, model: dice.pick(MODELS[runtime] ?? [null])};
}

/**
 * One to four groups of agents. There is always one whose agents take every prompt, as no task may wait for ever; but
 * in a team that will be ended from outside there need not be.
 */
export function randomGroups(dice: Dice, {mustDoAll}: {mustDoAll: boolean}): readonly AgentGroup[] {
  const groups = Array.from({length: dice.whole(1, 4)}, (_, index) => randomGroup(dice, `group${index}`));
  const doesAll = dice.whole(0, groups.length - 1);
  return groups.map((group, index) => {
    if (!mustDoAll || index !== doesAll) return group;
    return {...group, skills: [], ...(group.runtime === 'command' ? someChoice(dice) : {})};
  });
}

function randomGroup(dice: Dice, name: string): AgentGroup {
  const {runtime, model} = dice.chance(0.25) ? {runtime: 'command', model: null} : someChoice(dice);
  return {
    name,
    count: dice.chance(0.1) ? dice.whole(5, 15) : dice.whole(1, 4),
    skills: dice.chance(0.5) ? [] : someSkills(dice),
    runtime,
    model,
    costPerHour: dice.chance(0.3) ? dice.whole(1, 5) : null,
    speed: 1,
    slots: dice.pick([1, 1, 2, 3]),
  };
}

export function randomEscalation(dice: Dice): Escalation | undefined {
  if (!dice.chance(0.4)) return undefined;
  return {after: dice.whole(1, 2), to: Array.from({length: dice.whole(1, 3)}, () => someChoice(dice))};
}

/** Often plenty, sometimes not enough for the plan, sometimes not even for one attempt. */
export function randomBudget(dice: Dice): Budget | undefined {
  if (!dice.chance(0.5)) return undefined;
  const usd = dice.chance(0.7) ? dice.spread(0.05, 100) : null;
  const tokens = usd === null || dice.chance(0.4) ? Math.round(dice.spread(20_000, 40_000_000)) : null;
  return {usd, tokens, ...(dice.chance(0.15) ? {perHour: dice.spread(1, 20)} : {})};
}

export function repositoryOf(folder: string, branch: string): TeamRepository {
  return {
    root: folder,
    gitFolder: `${folder}/.git`,
    prefix: '',
    base: '0'.repeat(40),
    branch,
    checkedOut: 'main',
    dirtyFiles: 0,
  };
}
