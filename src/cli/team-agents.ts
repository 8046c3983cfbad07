import type {AgentGroup} from '../model/agent.ts';
import {GodelError} from '../model/failure.ts';
import type {Plan} from '../model/plan.ts';
import {SETTING_KINDS} from '../config/setting-kinds.ts';
import {askedGroups, type GroupOptions, groupsFor} from './agent-groups.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import {settingsOf} from './connect.ts';
import {refuseUnknownRuntimes} from './known-runtimes.ts';
import {wholeNumber} from './option-values.ts';

export interface AgentOptions extends GlobalOptions, GroupOptions {
  readonly count?: string;
  readonly autoscale?: boolean;
  readonly min?: number;
}

/** The agents of a team to be: how many, and of which kind where that was said or is needed. */
export interface AskedAgents {
  readonly count: number;
  /** Absent: those of the plan, or agents that run commands only. */
  readonly agents?: readonly AgentGroup[];
}

/**
 * The agents that were asked for: on the command line, or else in the plan. For a plan with prompts and no word of a
 * runtime it is the first one on this machine that is logged in.
 */
export async function agentsFor(cli: Cli, options: AgentOptions, plan: Plan | undefined): Promise<AskedAgents> {
  const asked = askedGroups(options);
  refuseUnknownRuntimes(asked?.groups ?? [], {where: '--runtime', settings: settingsOf(cli, options).agents});
  refuseUnknownRuntimes(namedIn(plan), {where: 'the plan', settings: settingsOf(cli, options).agents});
  const planned = plan?.agents?.reduce((sum, group) => sum + group.count, 0);
  const count = agentCount(cli, options, asked?.total ?? planned ?? fewest(options, plan));
  if (asked) {
    const groups = groupsFor(asked, count);
    return {count, agents: await withRuntime(cli, options, plan, groups)};
  }
  if (planned !== undefined) {
    if (count === planned) return {count, agents: await withRuntime(cli, options, plan, plan?.agents ?? [])};
    const hint = 'Leave --count out, or change `agents` in the plan.';
    throw new GodelError({reason: 'usage', message: `The plan has ${planned} agents and --count says ${count}`, hint});
  }
  const plain = {
    name: 'agent',
    count,
    skills: [],
    runtime: 'command',
    model: null,
    costPerHour: null,
    speed: 1,
    slots: 1,
  };
  return hasPrompts(plan) ? {count, agents: await withRuntime(cli, options, plan, [plain])} : {count};
}

/** How many agents were asked for, within what the settings allow; an excess is refused with the setting to raise. */
function agentCount(cli: Cli, options: AgentOptions, said: number | null): number {
  const text = options.count ?? said?.toString();
  if (text === undefined) {
    const hint = 'Say how many agents, for example --count 4, or --autoscale.';
    throw new GodelError({reason: 'usage', message: '--count is missing', hint});
  }
  const {settings, provenance} = settingsOf(cli, options);
  const from = provenance.maxAgents === 'default' ? 'by default' : `from ${provenance.maxAgents}`;
  const why = `max-agents is ${settings.maxAgents} ${from} and at most ${SETTING_KINDS.maxAgents.max}; every agent at work is a process tree on this machine`;
  return wholeNumber('--count', {min: 1, max: settings.maxAgents, why})(text);
}

/** A team that grows by itself begins with the agents that it always has. */
function fewest({autoscale, min}: AgentOptions, plan: Plan | undefined): number | null {
  if (autoscale !== true && plan?.autoscale === undefined) return null;
  return Math.max(1, min ?? plan?.autoscale?.min ?? 1);
}

/** The runtimes that a plan asks for by name. */
function namedIn(plan: Plan | undefined): readonly {readonly runtime?: string}[] {
  return [...(plan?.agents ?? []), ...(plan?.tasks ?? []), ...(plan?.escalate?.to ?? [])];
}

function hasPrompts(plan: Plan | undefined): boolean {
  return plan?.tasks.some(task => task.prompt !== undefined) ?? false;
}

/** Groups that nobody gave a runtime get one where the plan has prompts and no other group takes them. */
async function withRuntime(
  cli: Cli,
  options: AgentOptions,
  plan: Plan | undefined,
  groups: readonly AgentGroup[],
): Promise<readonly AgentGroup[]> {
  if (!hasPrompts(plan) || groups.some(({runtime}) => runtime !== 'command')) return groups;
  const {usableRuntime} = await import('./usable-runtime.ts');
  const runtime = await usableRuntime(cli, options);
  cli.print.note(`The prompts go to ${runtime}, which was found on this machine; choose with --runtime.`);
  return groups.map(group => ({...group, runtime}));
}
