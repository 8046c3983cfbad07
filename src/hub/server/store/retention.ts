import {randomUUID} from 'node:crypto';
import {type ForgetDecision, leastWorth} from '../../recall/forget.ts';
import type {AuditLog} from './audit-log.ts';
import {type Entries} from './entries.ts';
import type {EpisodeLog} from './episode-log.ts';
import type {GroupMember} from './group.ts';
import {KIND, positionOf} from './hub-schema.ts';
import type {Tenant} from './tenants.ts';

export interface Forgetting {
  /** Who forgets. */
  readonly by: string;
  /** Hybrid logical time. */
  readonly at: string;
  /** For the audit log. */
  readonly reason: string;
  /** What is said of each. */
  readonly details?: readonly string[];
}

export interface RetentionPolicy extends Omit<Forgetting, 'reason'> {
  /** How long an episode is kept that says nothing of it itself, in milliseconds; null: for ever. */
  readonly lifetimeMs: number | null;
  /** Beyond so many episodes those worth least of the oldest go; null: there is no such number. */
  readonly maxEpisodes: number | null;
  /** The most episodes that one call forgets. */
  readonly limit: number;
}

const MOST_DAMAGED = 10_000;
/** Of the oldest so many, in multiples of how many are to go and at least, those worth least go. */
const COMPARED = 4;
const LEAST_COMPARED = 200;

/** Decides what is forgotten, and has it forgotten: each with its change in the log, all with a row in the audit log. */
export class Retention {
  readonly marks: GroupMember = {forget: () => this.#forgottenTo.clear()};
  readonly #log: EpisodeLog;
  readonly #entries: Entries;
  readonly #audit: AuditLog;
  readonly #nowMs: () => number;
  /** By tenant: up to this position all episodes are forgotten. */
  readonly #forgottenTo = new Map<number, number>();
  /** Episodes that cannot be read, and so not be forgotten; looked for behind them, or they would be all that is found. */
  readonly #damaged = new Set<string>();

  constructor({log, entries, audit, nowMs}: {log: EpisodeLog; entries: Entries; audit: AuditLog; nowMs: () => number}) {
    this.#log = log;
    this.#entries = entries;
    this.#audit = audit;
    this.#nowMs = nowMs;
  }

  /** Those that were forgotten. Only within a group. */
  forget(tenant: Tenant, ids: readonly string[], {by, at, reason, details}: Forgetting): readonly string[] {
    const forgotten = ids.filter(id => {
      const row = this.#entries.byId(tenant, id);
      if (row === null || row.episode !== null) return false;
      if (row.kind === KIND.forgotten) return false;
      const said = {by, at, kind: 'standing', standing: 'forgotten'} as const;
      const change = {id: randomUUID(), episode: id, ...said};
      const appended = this.#log.append(tenant, {kind: 'change', change}, {isAudited: false});
      if ('refused' in appended) {
        if (appended.refused === 'not-found') this.#passOver(tenant, id);
        return false;
      }
      return this.#log.get(tenant, id)?.state.standing === 'forgotten';
    });
    if (forgotten.length === 0) return [];
    const detail = {reason, episodes: forgotten, ...(details && {details})};
    this.#audit.add({atMs: this.#nowMs(), tenant: tenant.name, who: by, what: 'forget-many', detail});
    return forgotten;
  }

  /** First what has expired by itself, then what is older than it may be, then what is too much. Only within a group. */
  retire(tenant: Tenant, {by, at, lifetimeMs, maxEpisodes, limit}: RetentionPolicy): readonly string[] {
    const nowMs = this.#nowMs();
    const expired = this.#whole(tenant, this.#entries.expired(tenant, nowMs, limit + this.#damaged.size), limit);
    const gone = [...this.forget(tenant, expired, {by, at, reason: 'its time was over'})];
    if (lifetimeMs !== null) {
      const aged = this.#aged(tenant, nowMs - lifetimeMs, limit - gone.length);
      gone.push(...this.forget(tenant, aged, {by, at, reason: `older than ${lifetimeMs} ms`}));
    }
    if (maxEpisodes !== null) {
      const tooMany = this.#leastWorth(tenant, Math.min(tenant.episodes - maxEpisodes, limit - gone.length));
      const [ids, details] = [tooMany.map(({episode}) => episode), tooMany.map(({detail}) => detail)];
      gone.push(...this.forget(tenant, ids, {by, at, reason: `more than ${maxEpisodes} episodes`, details}));
    }
    return gone;
  }

  #aged(tenant: Tenant, beforeMs: number, limit: number): readonly string[] {
    if (limit <= 0) return [];
    const since = this.#forgottenTo.get(tenant.num) ?? 0;
    const oldest = this.#entries.oldest(tenant, {
      after: since,
      limit: limit + this.#damaged.size,
      lives: 'by-policy',
    });
    const young = oldest.findIndex(({atMs}) => atMs > beforeMs);
    const aged = oldest.slice(0, young === -1 ? oldest.length : young).map(({id}) => id);
    return this.#whole(tenant, aged, limit);
  }

  #leastWorth(tenant: Tenant, count: number): readonly ForgetDecision[] {
    if (count <= 0) return [];
    const after = this.#forgottenTo.get(tenant.num) ?? 0;
    const limit = Math.max(LEAST_COMPARED, COMPARED * count) + this.#damaged.size;
    const oldest = this.#entries.oldest(tenant, {after, limit, lives: 'however'});
    const [first] = oldest;
    if (first !== undefined) this.#forgottenTo.set(tenant.num, positionOf(first.key) - 1);
    const lessons = oldest.flatMap(({key, id, atMs}) => {
      const lesson = this.#log.lesson(tenant, key);
      if (lesson === null) this.#passOver(tenant, id);
      return lesson === null ? [] : [{...lesson, atMs}];
    });
    return leastWorth(lessons, count, this.#nowMs());
  }

  #whole(tenant: Tenant, ids: readonly string[], limit: number): readonly string[] {
    return ids.filter(id => !this.#damaged.has(keyOf(tenant, id))).slice(0, limit);
  }

  #passOver(tenant: Tenant, id: string): void {
    if (this.#damaged.size < MOST_DAMAGED) this.#damaged.add(keyOf(tenant, id));
  }
}

function keyOf({num}: Tenant, id: string): string {
  return `${num}/${id}`;
}
