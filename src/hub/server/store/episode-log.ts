import type {Episode, EpisodeChange, EpisodeState, LogEntry, LogItem} from '../../../model/episode.ts';
import {GodelError} from '../../../model/failure.ts';
import type {AppendResult} from '../hub-store.ts';
import type {AuditLog} from './audit-log.ts';
import {type Entries, type EntryRow} from './entries.ts';
import {type EpisodeStates, NO_STATE, type Placed} from './episode-states.ts';
import type {Group} from './group.ts';
import {entryKey, KIND, LAST_POSITION, positionOf} from './hub-schema.ts';
import type {HubStoreLimits} from './limits.ts';
import type {Tenant, Tenants} from './tenants.ts';
import type {SearchableText, TextIndex} from './text-index.ts';
import type {Vectors} from './vectors.ts';

export interface LogParts {
  readonly group: Group;
  readonly tenants: Tenants;
  readonly entries: Entries;
  readonly states: EpisodeStates;
  readonly text: TextIndex;
  readonly vectors: Vectors;
  readonly audit: AuditLog;
  readonly limits: HubStoreLimits;
  /** Wall time, Unix epoch in milliseconds. */
  readonly nowMs: () => number;
}

export interface Found {
  readonly entry: LogEntry;
  readonly state: EpisodeState;
}

interface Readable {
  readonly placed: Placed;
  /** null: it is not to be found. */
  readonly text: SearchableText | null;
}

export interface AppendHow {
  /** Default: true. Whether what is forgotten by it is audited here; else its caller does that. */
  readonly isAudited?: boolean;
  /** Default: false. Of what the hub gives back: it is taken though the tenant is full. */
  readonly isRelease?: boolean;
}

type Refusal = Extract<AppendResult, {refused: string}>;

const FORGOTTEN: EpisodeState = {...NO_STATE, tags: [], critique: null, standing: 'forgotten'};

/** The log, and everything that is kept up with it in the same transaction: state, text, vectors, figures of the tenant. */
export class EpisodeLog {
  readonly #parts: LogParts;

  constructor(parts: LogParts) {
    this.#parts = parts;
  }

  /** Only within a group. */
  append(tenant: Tenant, item: LogItem, how: AppendHow = {}): AppendResult {
    if (item.kind === 'episode') return this.#appendEpisode(tenant, item);
    return this.#appendChange(tenant, item.change, how);
  }

  get(tenant: Tenant, id: string): Found | null {
    const row = this.#parts.entries.byId(tenant, id);
    return row === null || row.episode !== null ? null : this.#found(tenant, row);
  }

  /** Those of the positions at which an episode stands, in their order; damaged ones are left out, `get` throws on them. */
  at(tenant: Tenant, positions: readonly number[]): readonly Found[] {
    return positions.flatMap(position => {
      const row = this.#parts.entries.at(entryKey(tenant.num, position));
      if (row === null || row.episode !== null) return [];
      return unlessDamaged(() => this.#found(tenant, row)) ?? [];
    });
  }

  /** An episode that is not forgotten, with what its changes amount to; null: there is none there, or it is damaged. */
  lesson(tenant: Tenant, key: number): (Placed & {readonly state: EpisodeState}) | null {
    const {entries, states} = this.#parts;
    const row = entries.at(key);
    if (row?.kind !== KIND.episode) return null;
    return unlessDamaged(() => {
      const placed = {tenant: tenant.name, key, episode: entries.episode(tenant.name, row)};
      return {...placed, state: states.of(placed)};
    });
  }

  /** The id of the episode at a position; null: there is none, or it is forgotten. */
  idAt(tenant: Tenant, position: number): string | null {
    const row = this.#parts.entries.at(entryKey(tenant.num, position));
    return row?.kind === KIND.episode ? row.id : null;
  }

  /** Makes what was appended searchable, at most so many entries; returns how many. Only within a group. */
  followText(tenant: Tenant, limit: number): number {
    const {entries, text} = this.#parts;
    const since = text.mark(tenant.num);
    const last = Math.min(tenant.head, since + limit);
    if (since >= last) return 0;
    for (const row of [...entries.between(tenant, since, last, limit)]) {
      const searchable = row.kind === KIND.episode ? this.#readable(tenant, row)?.text : null;
      if (searchable) text.put(tenant.num, positionOf(row.key), searchable);
    }
    text.setMark(tenant.num, last);
    return last - since;
  }

  #appendEpisode(tenant: Tenant, item: Extract<LogItem, {kind: 'episode'}>): AppendResult {
    const {tenantEpisodes} = this.#parts.limits;
    const {id} = item.episode;
    const isFull = tenant.episodes >= tenantEpisodes;
    const refused = isFull ? `Tenant "${tenant.name}" has ${tenantEpisodes} episodes, which is its limit` : null;
    return this.#insert(tenant, {id, item, of: null, refused}, () => {
      tenant.episodes += 1;
    });
  }

  #appendChange(tenant: Tenant, change: EpisodeChange, {isAudited = true, isRelease = false}: AppendHow): AppendResult {
    const {entries} = this.#parts;
    const row = entries.byId(tenant, change.episode);
    const known = (): AppendResult | null => knownAt(change.id, entries.position(tenant, change.id));
    if (row === null || row.episode !== null) return known() ?? notFound(change, 'there is no such episode here');
    if (row.kind === KIND.forgotten) return known() ?? notFound(change, 'it has been forgotten');
    const readable = this.#readable(tenant, row);
    if (readable === null) return known() ?? notFound(change, 'it is damaged: see `godel hub verify`');
    const insert = {id: change.id, item: {kind: 'change', change} as const, of: row.key, refused: null, isRelease};
    return this.#insert(tenant, insert, key => {
      const forgets = this.#apply(tenant, {row, readable, change, key});
      if (forgets && isAudited) this.#note(tenant, {row, change, key});
    });
  }

  #insert(
    tenant: Tenant,
    {
      id,
      item,
      of,
      refused,
      isRelease = false,
    }: {id: string; item: LogItem; of: number | null; refused: string | null; isRelease?: boolean},
    then: (key: number) => void,
  ): AppendResult {
    const {entries, tenants, nowMs} = this.#parts;
    const reason = refused ?? this.#noRoom(tenant, item, isRelease);
    if (reason !== null)
      return knownAt(id, entries.position(tenant, id)) ?? {id, refused: 'storage-full', message: reason};
    const position = tenant.head + 1;
    const key = entryKey(tenant.num, position);
    const bytes = entries.insert(tenant, {key, item, of, atMs: nowMs()});
    if (bytes === null) return knownAt(id, entries.position(tenant, id)) ?? bug(id);
    tenant.head = position;
    tenant.bytes += bytes;
    tenants.touch(tenant);
    then(key);
    return {id, position, isNew: true};
  }

  /** What makes room is always taken, and what gives back. */
  #noRoom({name, bytes, head}: Tenant, item: LogItem, isRelease: boolean): string | null {
    const {tenantBytes} = this.#parts.limits;
    if (head >= LAST_POSITION) return `The log of tenant "${name}" is at its end`;
    const forgets = item.kind === 'change' && item.change.kind === 'standing' && item.change.standing === 'forgotten';
    if (bytes < tenantBytes || forgets || isRelease) return null;
    return `Tenant "${name}" has ${bytes} bytes of episodes, and its limit is ${tenantBytes}: forget some, or raise the limit`;
  }

  /** Whether the episode is forgotten by it. */
  #apply(
    tenant: Tenant,
    {row, readable, change, key}: {row: EntryRow; readable: Readable; change: EpisodeChange; key: number},
  ): boolean {
    const {states, text} = this.#parts;
    const position = positionOf(row.key);
    const isSearched = changesText(change) && position <= text.mark(tenant.num);
    const {placed} = readable;
    const before = isSearched ? readable.text : null;
    states.apply(placed, change, key);
    const forgets = change.kind === 'standing' && states.of(placed).standing === 'forgotten';
    const after = isSearched && !forgets ? this.#searchable(placed) : null;
    if (!isSame(before, after)) {
      if (before !== null) text.remove(tenant.num, position, before);
      if (after !== null) text.put(tenant.num, position, after);
    }
    if (forgets) this.#forget(tenant, row, change, key);
    return forgets;
  }

  #forget(tenant: Tenant, row: EntryRow, change: EpisodeChange, key: number): void {
    const {group, entries, states, tenants, vectors} = this.#parts;
    group.scrub();
    tenant.bytes -= entries.empty(tenant, row, change, key);
    tenant.episodes -= 1;
    tenants.correct(tenant);
    states.remove(row.key);
    vectors.remove(row.key);
  }

  #note(tenant: Tenant, {row, change, key}: {row: EntryRow; change: EpisodeChange; key: number}): void {
    const {audit, nowMs} = this.#parts;
    const detail = {episode: row.id, position: positionOf(row.key), change: positionOf(key)};
    audit.add({atMs: nowMs(), tenant: tenant.name, who: change.by, what: 'forget', detail});
  }

  #found(tenant: Tenant, row: EntryRow): Found {
    const entry = this.#parts.entries.entry(tenant.name, row);
    if (entry.kind === 'change') return {entry, state: FORGOTTEN};
    return {entry, state: this.#parts.states.of({tenant: tenant.name, key: row.key, episode: entry.episode})};
  }

  /** null: it is damaged, which is no reason to give up what others append. */
  #readable(tenant: Tenant, row: EntryRow): Readable | null {
    return unlessDamaged(() => {
      const placed = {tenant: tenant.name, key: row.key, episode: this.#parts.entries.episode(tenant.name, row)};
      return {placed, text: this.#searchable(placed)};
    });
  }

  /** null: it is not to be found. */
  #searchable(placed: Placed): SearchableText | null {
    const {standing, critique, tags} = this.#parts.states.of(placed);
    const {task, input, output}: Episode = placed.episode;
    return standing === 'active' ? {task, input, output, critique, tags} : null;
  }
}

function unlessDamaged<T>(read: () => T): T | null {
  try {
    return read();
  } catch (error) {
    if (error instanceof GodelError) return null;
    throw error;
  }
}

function changesText({kind}: EpisodeChange): boolean {
  return kind === 'tag' || kind === 'critique' || kind === 'standing' || kind === 'merge';
}

function isSame(one: SearchableText | null, other: SearchableText | null): boolean {
  if (one === null || other === null) return one === other;
  return one.critique === other.critique && one.tags.join(' ') === other.tags.join(' ');
}

function knownAt(id: string, position: number | null): AppendResult | null {
  return position === null ? null : {id, position, isNew: false};
}

function notFound({id, episode}: EpisodeChange, why: string): Refusal {
  return {id, refused: 'not-found', message: `Nothing can be said of episode "${episode}": ${why}`};
}

function bug(id: string): never {
  throw new Error(`Internal error: ${id} was neither there nor added`);
}
