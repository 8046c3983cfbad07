import type {LogItem} from '../../../model/episode.ts';
import type {Pushed} from '../hub-parts.ts';
import type {AuditLog} from './audit-log.ts';
import type {GroupMember} from './group.ts';

/** What an agent pushes within so many milliseconds is one row. */
const ROW_MS = 60_000;
const MAX_OPEN = 20_000;
/** Agents in whose names somebody has pushed, and episodes in one row, that are named. */
const MAX_NAMES = 20;
const MAX_EPISODES = 200;

interface Sum {
  readonly sinceMs: number;
  readonly inNameOf: Set<string>;
  readonly changes: Record<string, number>;
  pushes: number;
  episodes: number;
  from: number;
  to: number;
}

interface Open extends Sum {
  readonly num: number;
}

const VERBS = {active: 'activate', quarantined: 'quarantine', forgotten: null} as const;

/**
 * What agents push, for the audit log: a row per agent and minute, which is written in the same transaction as the entries it counts and goes
 * on with each push; and rows of their own for what is taken out of recall or put back. Of what is forgotten the log of episodes tells.
 */
export class PushRecords implements GroupMember {
  readonly #audit: Pick<AuditLog, 'add' | 'rewrite'>;
  readonly #open = new Map<string, Open>();

  constructor(audit: Pick<AuditLog, 'add' | 'rewrite'>) {
    this.#audit = audit;
  }

  note({tenant, agent, atMs}: {tenant: string; agent: string; atMs: number}, pushed: Pushed): void {
    const {items, from, to} = pushed;
    // No name has control characters.
    const key = `${tenant}\0${agent}`;
    const known = this.#open.get(key);
    const isOpen = known !== undefined && Math.abs(atMs - known.sinceMs) < ROW_MS;
    const sum = isOpen ? known : emptyFrom(from, atMs);
    sum.pushes += pushed.pushes;
    sum.to = to;
    let decides = false;
    for (const item of items) {
      count(sum, item, agent);
      decides ||= item.kind === 'change' && item.change.kind === 'standing';
    }
    const fact = {atMs, tenant, detail: detailOf(sum)};
    if (isOpen) this.#audit.rewrite(known.num, fact);
    else this.#begin(key, sum, this.#audit.add({...fact, who: agent, what: 'push'}));
    if (decides) this.#noteStandings({tenant, agent, atMs}, items);
  }

  forget(): void {
    this.#open.clear();
  }

  #begin(key: string, sum: Sum, num: number | null): void {
    if (this.#open.size >= MAX_OPEN) this.#open.clear();
    if (num === null) this.#open.delete(key);
    else this.#open.set(key, {...sum, num});
  }

  #noteStandings(by: {tenant: string; agent: string; atMs: number}, items: readonly LogItem[]): void {
    const said = new Map<string, string[]>();
    for (const item of items) {
      if (item.kind !== 'change' || item.change.kind !== 'standing') continue;
      const what = VERBS[item.change.standing];
      if (what !== null) said.set(what, [...(said.get(what) ?? []), item.change.episode]);
    }
    const {tenant, agent: who, atMs} = by;
    for (const [what, episodes] of said) {
      for (let from = 0; from < episodes.length; from += MAX_EPISODES) {
        this.#audit.add({atMs, tenant, who, what, detail: {episodes: episodes.slice(from, from + MAX_EPISODES)}});
      }
    }
  }
}

function emptyFrom(from: number, sinceMs: number): Sum {
  return {sinceMs, from, to: from, pushes: 0, episodes: 0, changes: {}, inNameOf: new Set()};
}

function count(sum: Sum, entry: LogItem, agent: string): void {
  if (entry.kind === 'episode') sum.episodes += 1;
  else sum.changes[entry.change.kind] = (sum.changes[entry.change.kind] ?? 0) + 1;
  const name = entry.kind === 'episode' ? entry.episode.agentId : entry.change.by;
  if (name !== agent && sum.inNameOf.size < MAX_NAMES) sum.inNameOf.add(name);
}

function detailOf({sinceMs, from, to, pushes, episodes, changes, inNameOf}: Sum) {
  const names = inNameOf.size === 0 ? {} : {inNameOf: [...inNameOf]};
  return {sinceMs, pushes, episodes, changes, positions: [from, to], ...names};
}
