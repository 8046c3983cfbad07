import type {AgentGroup} from '../model/agent.ts';
import {attemptLimits} from './written-limits.ts';
import {parseTimeout} from './timeout.ts';
import {checkChoice, choiceOf, type WrittenChoice} from './model-choice.ts';
import type {DocumentPath, Problem} from './problem.ts';
import type {AgentsDocument} from './schema-agents.ts';

interface GroupsRequest {
  readonly defaults: WrittenChoice;
  readonly report: (problem: Problem) => void;
}

/** The groups of agents in the order written. One that says no runtime has the default one, or takes no prompts. */
export function agentGroups(agents: AgentsDocument, {defaults, report}: GroupsRequest): readonly AgentGroup[] {
  const named = Array.isArray(agents)
    ? agents.map((group, index) => ({...group, path: ['agents', index] as DocumentPath}))
    : Object.entries(agents).map(([name, group]) => ({...group, name, path: ['agents', name] as DocumentPath}));
  if (named.length === 0) {
    const hint = 'add a group, for example `coder: {count: 4, runtime: claude}`';
    report({path: ['agents'], at: 'value', message: '`agents` has no groups', hint});
  }
  const positions = new Map<string, number>();
  return named.map(({name, path, ...group}, index) => {
    const earlier = positions.get(name);
    if (earlier === undefined) positions.set(name, index);
    else {
      const message = `groups ${earlier + 1} and ${index + 1} of \`agents\` are both called \`${name}\``;
      report({path: [...path, 'name'], at: 'value', message, hint: 'rename one of them'});
    }
    checkChoice(group, {path, report});
    const timeoutMs = group.timeout === undefined ? null : parseTimeout(group.timeout);
    const limits = attemptLimits(group.limits ?? {});
    const {runtime = 'command', model = null} = choiceOf(group, defaults);
    return {
      name,
      count: group.count,
      skills: listOf(group.skills),
      runtime,
      model,
      costPerHour: group['cost-per-hour'] ?? null,
      speed: group.speed ?? 1,
      slots: group.slots ?? 1,
      ...(timeoutMs === null ? {} : {timeoutMs}),
      ...(Object.keys(limits).length === 0 ? {} : {limits}),
    };
  });
}

/** Each word once, in the order written. */
export function listOf(words: string | readonly string[] | undefined): readonly string[] {
  if (words === undefined) return [];
  return typeof words === 'string' ? [words] : [...new Set(words)];
}
