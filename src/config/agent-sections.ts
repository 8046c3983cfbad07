import {
  type AgentSettings,
  type CustomRuntime,
  NO_AGENT_SETTINGS,
  type WorkspaceSettings,
} from '../model/agent-settings.ts';
import type {Price} from '../model/price.ts';
import type {ConfigEntry, ConfigNodes, Placed} from './config-nodes.ts';
import {readPrice} from './price-section.ts';
import {readRuntime} from './runtime-section.ts';
import {readWorkspace} from './workspace-section.ts';

/** The sections of one file, each part with its place. */
export interface AgentSections {
  readonly runtimes: ReadonlyMap<string, Placed<CustomRuntime>>;
  readonly prices: ReadonlyMap<string, Placed<Price>>;
  readonly link: Placed<WorkspaceSettings['link']> | null;
  readonly quotaBytes: Placed<WorkspaceSettings['quotaBytes']> | null;
}

export const NO_SECTIONS: AgentSections = {runtimes: new Map(), prices: new Map(), link: null, quotaBytes: null};

export const SECTION_NAMES = ['runtimes', 'prices', 'workspace'] as const;

export function readAgentSections(nodes: ConfigNodes, entries: readonly ConfigEntry[]): AgentSections {
  const section = (name: (typeof SECTION_NAMES)[number]) => entries.find(({key}) => key === name);
  return {
    runtimes: readParts(nodes, section('runtimes'), entry => readRuntime(nodes, entry)),
    prices: readParts(nodes, section('prices'), entry => readPrice(nodes, entry)),
    ...readWorkspace(nodes, section('workspace')),
  };
}

/** The project's file goes over the user's, part by part. */
export function mergeSections(
  project: AgentSections,
  user: AgentSections,
): {readonly agents: AgentSettings; readonly agentProvenance: Readonly<Record<string, string>>} {
  const runtimes = new Map([...user.runtimes, ...project.runtimes]);
  const prices = new Map([...user.prices, ...project.prices]);
  const link = project.link ?? user.link;
  const quota = project.quotaBytes ?? user.quotaBytes;
  return {
    agents: {
      runtimes: [...runtimes.values()].map(({value}) => value),
      prices: Object.fromEntries([...prices].map(([model, {value}]) => [model, value])),
      workspace: {
        link: link?.value ?? NO_AGENT_SETTINGS.workspace.link,
        quotaBytes: quota?.value ?? NO_AGENT_SETTINGS.workspace.quotaBytes,
      },
    },
    agentProvenance: Object.fromEntries([
      ...[...runtimes].map(([name, {place}]) => [`runtimes.${name}`, place] as const),
      ...[...prices].map(([model, {place}]) => [`prices.${model}`, place] as const),
      ['workspace.link', link?.place ?? 'default'] as const,
      ['workspace.quota', quota?.place ?? 'default'] as const,
    ]),
  };
}

function readParts<T>(
  nodes: ConfigNodes,
  section: ConfigEntry | undefined,
  read: (entry: ConfigEntry) => T | null,
): ReadonlyMap<string, Placed<T>> {
  if (section === undefined) return new Map();
  const hint = `Write a name and what it stands for under \`${section.key}:\`; see docs/configuration.md.`;
  const parts = new Map<string, Placed<T>>();
  for (const entry of nodes.entries(section.value ?? section.keyNode, `${section.key}: a map`, hint)) {
    const value = read(entry);
    if (value !== null) parts.set(entry.key, {value, place: nodes.placeOf(entry.keyNode)});
  }
  return parts;
}
