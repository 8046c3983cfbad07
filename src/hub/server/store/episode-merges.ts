import {createHash, randomUUID} from 'node:crypto';
import type {EpisodeChange} from '../../../model/episode.ts';
import {isFit, isKept, keeperOf, type MergeCandidate, type MergeRule} from './keeper.ts';
import {areIdentical, sayingOfMemory} from '../../recall/near-identical.ts';
import {LEAST_RECALLED} from '../../security/reputation.ts';
import type {AuditLog} from './audit-log.ts';
import {consolidated, familyOf} from './consolidation.ts';
import type {Entries} from './entries.ts';
import {KIND} from './hub-schema.ts';
import type {EpisodeLog} from './episode-log.ts';
import type {EpisodeStates} from './episode-states.ts';
import type {Group} from './group.ts';
import {entryKey, positionOf} from './hub-schema.ts';
import {MergeCredits} from './merge-credits.ts';
import {MergeMarks} from './merge-marks.ts';
import type {MergedEpisodes} from './merged-episodes.ts';
import type {Tenant, Tenants} from './tenants.ts';

export interface EpisodeMergesParts {
  readonly group: Group;
  readonly tenants: Tenants;
  readonly log: EpisodeLog;
  readonly entries: Entries;
  readonly states: EpisodeStates;
  readonly merged: MergedEpisodes;
  readonly audit: AuditLog;
  /** Of the agents of a tenant, from 0 to 1. */
  readonly trust: (tenant: Tenant, agent: string) => number;
  /** Wall time, Unix epoch in milliseconds. */
  readonly nowMs: () => number;
}

export interface MergeTurn extends Omit<MergeRule, 'nowMs'> {
  /** Positions whose vectors are alike, those that are more so first; null: the one at this position has none yet. */
  readonly near: (position: number) => readonly number[] | null;
  /** As many episodes of one task, and more, become one; null: none do. */
  readonly consolidate: number | null;
  /** Default: false. Nothing more is merged; what was is still let go. */
  readonly onlyReleases?: boolean;
  /** A new stamp each time. */
  readonly at: () => string;
  /** Asked between two entries of the log: whether to go on. */
  readonly mayGoOn: () => boolean;
}

export interface MergeReport {
  /** Positions of what is recalled as another one from now on, and of what is recalled as itself again. */
  readonly merged: readonly number[];
  readonly released: readonly number[];
  /** Whether there is something that others are to hear of. */
  readonly isNews: boolean;
  /** all: there is nothing left to look at. vectors: the next one has no vector yet. turn: there is more. */
  readonly done: 'all' | 'vectors' | 'turn';
}

interface Turn extends MergeTurn {
  readonly tenant: Tenant;
  readonly nowMs: number;
  readonly merged: Map<string, string[]>;
  readonly mergedAt: number[];
  readonly released: Map<string, string>;
  readonly releasedAt: number[];
}

/** Of one keeper in one go; confirmations and tags that go over to it. */
const MOST_RELEASED = 50;
const MOST_CONFIRMERS = 100;
const MOST_TAGS = 50;

/**
 * Looks through a tenant's log, once, for episodes that say the same, and has one of them recalled for all: the others are kept, readable by
 * their ids, and recalled again as soon as something speaks against the one that stays. What became of each is a change in the log and a
 * row in the audit log, in the same transaction as the mark up to where was looked.
 */
export class EpisodeMerges {
  readonly #parts: EpisodeMergesParts;
  readonly #credits: MergeCredits;
  readonly #marks: MergeMarks;

  constructor(parts: EpisodeMergesParts) {
    this.#parts = parts;
    this.#credits = new MergeCredits(parts);
    this.#marks = new MergeMarks(parts.merged);
    parts.group.add(this.#marks);
  }

  /** Whether there is something to look at. */
  isBehind(name: string, {onlyReleases = false}: Pick<MergeTurn, 'onlyReleases'> = {}): boolean {
    const {tenants, group, merged} = this.#parts;
    const tenant = tenants.find(name);
    if (tenant === null) return false;
    return group.read(() => {
      if (onlyReleases && !merged.hasAny(tenant.num)) return false;
      return this.#marks.of(tenant.num, onlyReleases) < tenant.head;
    });
  }

  /** Durable with the next `flush`. null: nothing could be written, see `flush`. */
  turn(name: string, how: MergeTurn): MergeReport | null {
    const {tenants, group, nowMs} = this.#parts;
    const tenant = tenants.find(name);
    if (tenant === null) return {merged: [], released: [], isNews: false, done: 'all'};
    const lists = {merged: new Map(), mergedAt: [], released: new Map(), releasedAt: []};
    return group.write(() => this.#turn({...how, ...lists, tenant, nowMs: nowMs()}));
  }

  #turn(turn: Turn): MergeReport {
    const {tenant, onlyReleases = false} = turn;
    const since = this.#marks.of(tenant.num, onlyReleases);
    const {head} = tenant;
    let mark = since;
    let done: MergeReport['done'] = 'all';
    while (mark < tenant.head) {
      const looked = this.#look(turn, entryKey(tenant.num, mark + 1));
      if (looked !== 'done') {
        done = looked;
        break;
      }
      mark += 1;
      if (mark < tenant.head && !turn.mayGoOn()) {
        done = 'turn';
        break;
      }
    }
    if (mark > since) this.#marks.set(tenant.num, mark, onlyReleases);
    this.#note(turn);
    return {merged: turn.mergedAt, released: turn.releasedAt, isNews: tenant.head > head, done};
  }

  #look(turn: Turn, key: number): 'done' | 'vectors' | 'turn' {
    const {entries} = this.#parts;
    const row = entries.at(key);
    if (row === null) return 'done';
    if (row.kind === KIND.episode) return this.#consider(turn, key);
    if (row.kind !== KIND.change || row.episode === null) return 'done';
    const change = entries.changeUnlessDamaged(turn.tenant.name, row);
    return change === null ? 'done' : this.#follow(turn, row.episode, change);
  }

  /** What a change of an episode means for what it was merged into, and for what was merged into it. */
  #follow(turn: Turn, key: number, change: EpisodeChange): 'done' | 'vectors' | 'turn' {
    const {merged} = this.#parts;
    switch (change.kind) {
      case 'merge':
      case 'tally':
      case 'vote':
      case 'tag':
        return 'done';
      case 'use':
        this.#credits.credit(turn, key);
        return 'done';
      case 'critique':
        // It says something else now.
        if (merged.of(key) !== null) this.#release(turn, [key], 'its critique is another one');
        return this.#releaseFrom(turn, key, 'the critique of the one that stayed is another one');
      case 'confirm':
        if (!change.success) return this.#refuted(turn, key);
        this.#passOn(turn, key);
        return this.#consider(turn, key);
      case 'standing':
        if (change.standing === 'active') return this.#consider(turn, key);
        return this.#releaseFrom(turn, key, `the one that stayed is ${change.standing}`);
    }
  }

  #refuted(turn: Turn, key: number): 'done' | 'vectors' | 'turn' {
    const {entries, merged, trust} = this.#parts;
    const candidate = this.#candidate(turn, key);
    if (candidate === null || !isKept(candidate, turn.nowMs)) {
      if (this.#releaseFrom(turn, key, 'the one that stayed was refuted') === 'turn') return 'turn';
    }
    const agent = entries.agentOf(key);
    if (agent === null || trust(turn.tenant, agent) >= LEAST_RECALLED) return 'done';
    const freed = merged.intoAnyOf({tenant: turn.tenant.num, agent, limit: MOST_RELEASED});
    return this.#release(turn, freed, 'the agent of the one that stayed is not trusted');
  }

  /** Merges it, or into it what says the same; what has become unfit lets go. */
  #consider(turn: Turn, key: number): 'done' | 'vectors' | 'turn' {
    if (turn.onlyReleases) return 'done';
    const candidate = this.#candidate(turn, key);
    if (candidate === null || !isFit(candidate, turn.nowMs)) return 'done';
    const near = turn.near(positionOf(key));
    if (near === null) return 'vectors';
    const around = near
      .filter(position => position !== candidate.key)
      .flatMap(position => this.#candidate(turn, entryKey(turn.tenant.num, position)) ?? []);
    const others = around.filter(other => keeperOf(candidate, other, turn) !== null);
    // The one that would stay for all of them, so that few are merged twice.
    const keeper = others.reduce((best, other) => keeperOf(best, other, turn) ?? best, candidate);
    if (keeper !== candidate) this.#merge(turn, keeper, candidate);
    else if (others.length === 0) this.#consolidate(turn, candidate, around);
    else for (const other of others) this.#merge(turn, candidate, other);
    return 'done';
  }

  /** Where a quorum is asked for, what nobody has confirmed would not be recalled, and so nothing is hidden behind it. */
  #consolidate(turn: Turn, candidate: MergeCandidate, around: readonly MergeCandidate[]): void {
    const {consolidate, quorum, tenant, nowMs} = turn;
    if (consolidate === null || quorum > 0) return;
    const family = familyOf(
      candidate,
      around.filter(each => isFit(each, nowMs)),
    );
    if (family.length < consolidate) return;
    const {log, entries} = this.#parts;
    const find = (id: string): MergeCandidate | 'forgotten' | null => {
      const row = entries.byId(tenant, id);
      return row && (this.#candidate(turn, row.key) ?? 'forgotten');
    };
    const episode = consolidated(family, {find, at: turn.at, nowMs});
    const appended = episode && log.append(tenant, {kind: 'episode', episode});
    if (!appended || 'refused' in appended || !appended.isNew) return;
    for (const each of family) {
      const keeper = this.#candidate(turn, entryKey(tenant.num, appended.position));
      if (keeper !== null && isFit(keeper, nowMs)) this.#merge(turn, keeper, each);
    }
  }

  #merge(turn: Turn, keeper: MergeCandidate, gone: MergeCandidate): void {
    const {log} = this.#parts;
    const {tenant} = turn;
    const said = {by: 'hub', episode: gone.episode.id} as const;
    const change = {...said, id: randomUUID(), at: turn.at(), kind: 'merge', into: keeper.episode.id} as const;
    const appended = log.append(tenant, {kind: 'change', change});
    // No room for it: they stay two.
    if ('refused' in appended) return;
    const goneKey = entryKey(tenant.num, gone.key);
    this.#credits.credit(turn, goneKey);
    this.#tag(turn, keeper, gone);
    if (areIdentical(keeper.saying, gone.saying)) this.#confirm(turn, keeper, goneKey);
    const into = turn.merged.get(keeper.episode.id);
    if (into === undefined) turn.merged.set(keeper.episode.id, [gone.episode.id]);
    else into.push(gone.episode.id);
    turn.mergedAt.push(gone.key);
  }

  #tag(turn: Turn, keeper: MergeCandidate, gone: MergeCandidate): void {
    const add = gone.state.tags.filter(tag => !keeper.state.tags.includes(tag)).slice(0, MOST_TAGS);
    if (add.length === 0) return;
    const said = {id: randomUUID(), episode: keeper.episode.id, by: 'hub', at: turn.at()};
    this.#parts.log.append(turn.tenant, {kind: 'change', change: {...said, kind: 'tag', add, remove: []}});
  }

  /** Who has confirmed what says the same to the letter has confirmed this, once, unless it has said something of it. */
  #confirm(turn: Turn, keeper: MergeCandidate, gone: number): void {
    const {states, log} = this.#parts;
    const {id: episode, agentId} = keeper.episode;
    const key = entryKey(turn.tenant.num, keeper.key);
    for (const {agent, at, id} of states.confirmers(gone, MOST_CONFIRMERS)) {
      if (agent === agentId || states.hasConfirmed(key, agent)) continue;
      const carried = createHash('sha256')
        .update(JSON.stringify([episode, agent, id]))
        .digest('hex')
        .slice(0, 32);
      const said = {id: `carried-${carried}`, episode, by: agent, at};
      log.append(turn.tenant, {kind: 'change', change: {...said, kind: 'confirm', success: true}});
    }
  }

  /** A word for what was merged is one for its keeper. */
  #passOn(turn: Turn, key: number): void {
    const known = this.#parts.merged.of(key);
    const keeper = known && this.#candidate(turn, known.keeper);
    const gone = keeper && this.#candidate(turn, key);
    if (!keeper || !gone || !areIdentical(keeper.saying, gone.saying)) return;
    this.#confirm(turn, keeper, key);
  }

  #releaseFrom(turn: Turn, keeper: number, why: string): 'done' | 'turn' {
    return this.#release(turn, this.#parts.merged.into(keeper, MOST_RELEASED), why);
  }

  /** They are recalled as themselves; behind the mark they are looked at again. `turn`: there may be more. */
  #release(turn: Turn, keys: readonly number[], why: string): 'done' | 'turn' {
    const {merged, entries, log} = this.#parts;
    let parted = 0;
    for (const key of keys) {
      const known = merged.of(key);
      const row = entries.at(key);
      if (known === null || row === null) continue;
      const said = {id: randomUUID(), episode: row.id, by: 'hub', at: turn.at()};
      const change = {...said, kind: 'standing', standing: 'active'} as const;
      const appended = log.append(turn.tenant, {kind: 'change', change}, {isRelease: true});
      if (!('refused' in appended)) {
        turn.released.set(row.id, why);
        turn.releasedAt.push(positionOf(key));
      } else if (appended.refused === 'not-found') {
        // A damaged one stays as it is, and is not asked for again.
        merged.part(key);
      } else continue;
      parted += 1;
      this.#credits.tally(turn, known.keeper, {merged: -known.merged, uses: -known.uses});
    }
    return keys.length >= MOST_RELEASED && parted > 0 ? 'turn' : 'done';
  }

  #candidate({tenant}: Turn, key: number): MergeCandidate | null {
    const lesson = this.#parts.log.lesson(tenant, key);
    if (lesson === null) return null;
    const {episode, state} = lesson;
    const trust = this.#parts.trust(tenant, episode.agentId);
    return {key: positionOf(key), episode, state, trust, saying: sayingOfMemory({episode, state})};
  }

  #note({tenant, merged, released}: Turn): void {
    const {audit, nowMs} = this.#parts;
    const row = {atMs: nowMs(), tenant: tenant.name, who: 'hub'};
    for (const [into, episodes] of merged) audit.add({...row, what: 'merge', detail: {into, episodes}});
    for (const reason of new Set(released.values())) {
      const episodes = [...released].flatMap(([id, why]) => (why === reason ? [id] : []));
      audit.add({...row, what: 'unmerge', detail: {reason, episodes}});
    }
  }
}
