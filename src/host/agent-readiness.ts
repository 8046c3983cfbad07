import {NO_AGENT_SETTINGS} from '../model/agent-settings.ts';
import type {AgentId} from '../model/ids.ts';
import type {Report} from '../wire/host-protocol.ts';
import type {OpenTeam} from './attempt-runner.ts';
import {environmentWith, grantedSecrets} from './attempt-environment.ts';
import {shortened} from './file-failure.ts';

export type ReadinessReport = Extract<Report, {type: 'agents-ready' | 'agents-failed'}>;

/** The runtime of agents that take no prompts. */
const COMMANDS = 'command';

/**
 * Finds out which of a team's agents can work here: all need a shell, and each the runtime that does its prompts. Those that
 * lack the same thing fail together.
 */
export async function readinessOf(
  agents: readonly AgentId[],
  {team, runtime, found}: OpenTeam,
  runtimes: Readonly<Record<AgentId, string>> | undefined,
): Promise<readonly ReadinessReport[]> {
  const probed = await runtime.probe();
  if (!probed.ok) return [{type: 'agents-failed', agents, detail: shortened(probed.failure)}];
  const problems = new Map<string, Promise<string | null>>();
  const problemOf = (name: string): Promise<string | null> => {
    const known = problems.get(name) ?? (name === COMMANDS ? Promise.resolve(null) : problemWith(name, {team, found}));
    problems.set(name, known);
    return known;
  };
  const ready: AgentId[] = [];
  const failed = new Map<string, AgentId[]>();
  for (const agent of agents) {
    const named = runtimes?.[agent];
    const needed = named === undefined ? (team.runtimes ?? []) : [named];
    const details = await Promise.all(needed.map(problemOf));
    const problem = details.find(detail => detail !== null) ?? null;
    if (problem === null) ready.push(agent);
    else failed.set(problem, [...(failed.get(problem) ?? []), agent]);
  }
  return [
    ...(ready.length > 0 ? [{type: 'agents-ready', agents: ready} as const] : []),
    ...[...failed].map(([detail, agents]) => ({type: 'agents-failed', agents, detail}) as const),
  ];
}

/** Why a runtime cannot be used here, and how to get it, in sentences; null when it can. */
async function problemWith(name: string, {team, found}: Pick<OpenTeam, 'team' | 'found'>): Promise<string | null> {
  if (await found.has(name)) return null;
  // Loaded when it is needed: a small process forks faster.
  const {agentRuntime, runtimeNames} = await import('../runtimes/registry.ts');
  const settings = team.agentSettings ?? NO_AGENT_SETTINGS;
  const runtime = await agentRuntime(name, settings);
  if (runtime === null)
    return `There is no runtime ${name}; known are ${runtimeNames(settings).join(', ')}.`.slice(0, 2000);
  const detection = await runtime.detect(environmentWith(team, [...runtime.secrets, ...grantedSecrets(team)]));
  if (detection.found) {
    await found.add(name, detection.file);
    return null;
  }
  return shortened(
    `The runtime ${name} cannot be used here: ${sentence(detection.detail)} ${sentence(detection.hint)}`,
  );
}

function sentence(text: string): string {
  const trimmed = text.trim();
  return trimmed === '' || /[.!?]$/.test(trimmed) ? trimmed : `${trimmed}.`;
}
