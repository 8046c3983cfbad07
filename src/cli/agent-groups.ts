import type {AgentGroup} from '../model/agent.ts';
import {GodelError} from '../model/failure.ts';

export interface GroupOptions {
  readonly runtime?: string;
  readonly model?: string;
  readonly skills?: readonly string[];
}

/** What of a team's agents was asked for on the command line; null: nothing but perhaps their number. */
export interface AskedGroups {
  /** Of all groups, where each says its own. */
  readonly total: number | null;
  readonly groups: readonly (Omit<AgentGroup, 'count'> & {readonly count: number | null})[];
}

/** The groups that `--runtime claude:30,codex:20`, `--model` and `--skills` describe. */
export function askedGroups({runtime, model, skills}: GroupOptions): AskedGroups | null {
  if (runtime === undefined && model === undefined && skills === undefined) return null;
  const parts = runtime === undefined ? [{runtime: 'command', model: null, count: null}] : runtime.split(',').map(part);
  const total = totalOf(parts.map(({count}) => count));
  if (model !== undefined && parts.some(each => each.model !== null)) {
    throw wrong('--model and a model in --runtime exclude each other');
  }
  return {
    total,
    groups: parts.map(each => ({
      name: each.runtime === 'command' ? 'agent' : each.runtime,
      count: each.count,
      skills: skills ?? [],
      runtime: each.runtime,
      model: model ?? each.model,
      costPerHour: null,
      speed: 1,
      slots: 1,
    })),
  };
}

/** The groups of a team of so many agents. */
export function groupsFor(asked: AskedGroups, count: number): readonly AgentGroup[] {
  if (asked.total !== null && asked.total !== count) {
    throw wrong(`--runtime names ${asked.total} agents and --count says ${count}`, 'Leave --count out.');
  }
  return asked.groups.map(group => ({...group, count: group.count ?? count}));
}

/** `claude`, `claude:30`, `claude/haiku` or `claude/haiku:30`; a model may have slashes of its own. */
function part(text: string): {runtime: string; model: string | null; count: number | null} {
  const matched = /^\s*([\w.-]+)(?:\/([^\s,]+?))?(?::(\d{1,7}))?\s*$/.exec(text);
  const count = matched?.[3] === undefined ? null : Number(matched[3]);
  if (!matched?.[1] || count === 0) {
    throw wrong(`--runtime: "${text}" is not a runtime`, 'For example claude, claude/haiku, or claude:30,codex:20.');
  }
  return {runtime: matched[1], model: matched[2] ?? null, count};
}

function totalOf(counts: readonly (number | null)[]): number | null {
  if (counts.length === 1 && counts[0] === null) return null;
  const known = counts.filter(count => count !== null);
  if (known.length < counts.length) {
    throw wrong('--runtime: of several runtimes each needs its number of agents', 'For example claude:30,codex:20.');
  }
  return known.reduce((sum, count) => sum + count, 0);
}

function wrong(message: string, hint?: string): GodelError {
  return new GodelError({reason: 'usage', message, ...(hint === undefined ? {} : {hint})});
}
