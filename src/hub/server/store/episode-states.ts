import type {Database} from 'better-sqlite3';
import type {Episode, EpisodeChange, EpisodeStanding, EpisodeState, LogItem} from '../../../model/episode.ts';
import {Tags} from '../../replica/tags.ts';
import {type Bodies, type Body, damaged} from './bodies.ts';
import type {Entries} from './entries.ts';
import {positionOf, tenantOf} from './hub-schema.ts';
import {isEarlierMarks, tagsId} from './kept-tags.ts';
import type {MergedEpisodes} from './merged-episodes.ts';
import type {LastCritiques} from './last-critiques.ts';
import type {Outcomes, Word} from './outcomes.ts';
import {firstStamp, isLater, MAX_VOICES, type Stamp} from './stamps.ts';

const READ = 'SELECT * FROM states WHERE episode = ?';
const WRITE = `INSERT OR REPLACE INTO states (episode, up, down, uses, confirmed, refuted, standing, standing_at, standing_id,
    critique_at, critique_id, critique_key, tags)
  VALUES (@episode, @up, @down, @uses, @confirmed, @refuted, @standing, @standing_at, @standing_id,
    @critique_at, @critique_id, @critique_key, @tags)`;
const VOICE = 'SELECT value, at, id FROM voices WHERE episode = ? AND kind = ? AND agent = ?';
const SAY = 'INSERT OR REPLACE INTO voices (episode, kind, agent, value, at, id) VALUES (?, ?, ?, ?, ?, ?)';
const EARLIEST = 'SELECT agent, value FROM voices WHERE episode = ? AND kind = ? ORDER BY at, id, agent LIMIT 1';
const CONFIRMERS = `SELECT agent, at, id FROM voices WHERE episode = ? AND kind = 1 AND value = 1
  ORDER BY at, id LIMIT ?`;
const UNSAY = 'DELETE FROM voices WHERE episode = ? AND kind = ? AND agent = ?';
const REMOVE = 'DELETE FROM states WHERE episode = ?';
const SILENCE = 'DELETE FROM voices WHERE episode = ?';

const VOTE = 0;
const CONFIRM = 1;

interface Row {
  readonly episode: number;
  up: number;
  down: number;
  uses: number;
  confirmed: number;
  refuted: number;
  standing: EpisodeStanding;
  standing_at: string;
  standing_id: string;
  critique_at: string;
  critique_id: string;
  /** Of the entry that has the text; null: the episode's own. */
  critique_key: number | null;
  /** null: the episode's own. */
  tags: Body | null;
}

/** An episode and where it stands. */
export interface Placed {
  readonly tenant: string;
  readonly key: number;
  readonly episode: Episode;
}

interface Voiced {
  readonly plus: number;
  readonly minus: number;
  readonly before: Word | null | 'later';
}

/** Nothing has been said of it yet, or nothing is left of what was said. */
export const NO_STATE = {up: 0, down: 0, uses: 0, confirmed: 0, refuted: 0} as const;

/**
 * What the changes of each episode amount to, kept up with each of them; the semantics are those of `EpisodeFold`. An
 * episode of which nothing was said has no row. Costs of a change do not grow with the number of changes before it.
 */
export class EpisodeStates {
  readonly #read;
  readonly #write;
  readonly #voice;
  readonly #say;
  readonly #earliest;
  readonly #unsay;
  readonly #confirmers;
  readonly #remove;
  readonly #silence;
  readonly #bodies: Bodies;
  readonly #entries: Entries;
  readonly #outcomes: Outcomes | null;
  readonly #critiques: LastCritiques | null;
  readonly #merged: MergedEpisodes | null;

  /** `outcomes` null: nothing will be applied. `critiques` or `merged` null: the database is older than they are. */
  constructor(
    db: Database,
    bodies: Bodies,
    given: {
      entries: Entries;
      outcomes: Outcomes | null;
      critiques: LastCritiques | null;
      merged: MergedEpisodes | null;
    },
  ) {
    this.#read = db.prepare<[number], Row>(READ);
    this.#write = db.prepare<[Row]>(WRITE);
    this.#voice = db.prepare<[number, number, string], Stamp & {value: number}>(VOICE);
    this.#say = db.prepare<[number, number, string, number, string, string]>(SAY);
    this.#earliest = db.prepare<[number, number], {agent: string; value: number}>(EARLIEST);
    this.#unsay = db.prepare<[number, number, string]>(UNSAY);
    this.#confirmers = db.prepare<[number, number], Stamp & {agent: string}>(CONFIRMERS);
    this.#remove = db.prepare<[number]>(REMOVE);
    this.#silence = db.prepare<[number]>(SILENCE);
    this.#bodies = bodies;
    this.#entries = given.entries;
    this.#outcomes = given.outcomes;
    this.#critiques = given.critiques;
    this.#merged = given.merged;
  }

  of({tenant, key, episode}: Placed): EpisodeState {
    const row = this.#read.get(key);
    if (row === undefined) {
      return {...NO_STATE, tags: episode.tags.toSorted(), critique: episode.critique, standing: 'active'};
    }
    const {up, down, confirmed, refuted, critique_key: said} = row;
    const tags = this.#tags(row, tenant, episode).values();
    const state = {up, down, confirmed, refuted, tags, ...this.#mergedState(row)};
    if (said === null) return {...state, critique: episode.critique};
    const critique = this.#entries.critiqueAt(tenant, said).text;
    const others = this.#critiques?.others(tenant, key) ?? [];
    return {...state, critique, ...(others.length > 0 && {otherCritiques: others})};
  }

  apply({tenant, key, episode}: Placed, change: EpisodeChange, changeKey: number): void {
    const row = this.#read.get(key) ?? newRow(key, episode);
    if (change.kind === 'tag') {
      const tags = this.#tags(row, tenant, episode);
      tags.apply(change, positionOf(changeKey));
      row.tags = this.#bodies.write(tenant, tagsId(episode), JSON.stringify(tags));
    } else this.#note(row, episode, change, changeKey);
    this.#write.run(row);
  }

  /** Keeps the tags as they are read now; null: they are the episode's own. Only for what was kept of them before clocks counted. */
  keepTagsAnew({tenant, key, episode}: Placed): void {
    const row = this.#read.get(key);
    if (row === undefined || row.tags === null) return;
    const tags = this.#tags(row, tenant, episode);
    this.#write.run({...row, tags: this.#bodies.write(tenant, tagsId(episode), JSON.stringify(tags))});
  }

  remove(episode: number): void {
    this.#remove.run(episode);
    this.#silence.run(episode);
    this.#critiques?.remove(episode);
    this.#merged?.remove(episode);
  }

  /** Who bears an episode out, those who said so first first. */
  confirmers(episode: number, limit: number): readonly (Stamp & {readonly agent: string})[] {
    return this.#confirmers.all(episode, limit);
  }

  /** Whether an agent has confirmed or refuted it. */
  hasConfirmed(episode: number, agent: string): boolean {
    return this.#voice.get(episode, CONFIRM, agent) !== undefined;
  }

  #mergedState({episode, uses, standing}: Row): Pick<EpisodeState, 'uses' | 'standing' | 'merged' | 'mergedInto'> {
    const tally = this.#merged?.tally(episode) ?? {merged: 0, uses: 0};
    const state = {uses: uses + tally.uses, standing, ...(tally.merged > 0 && {merged: tally.merged})};
    const keeper = standing === 'merged' ? this.#merged?.of(episode)?.keeper : undefined;
    const mergedInto = keeper === undefined ? undefined : this.#entries.at(keeper)?.id;
    return mergedInto === undefined ? state : {...state, mergedInto};
  }

  #note(row: Row, episode: Episode, change: Exclude<EpisodeChange, {kind: 'tag'}>, changeKey: number): void {
    if (change.kind === 'use') row.uses += change.count;
    else if (change.kind === 'vote') this.#vote(row, change);
    else if (change.kind === 'confirm') this.#confirm(row, episode, change);
    else if (change.kind === 'tally') this.#merged?.note(row.episode, change);
    else if (change.kind === 'critique') {
      this.#critiques?.put(row.episode, change, changeKey);
      if (!isLater(change, {at: row.critique_at, id: row.critique_id})) return;
      Object.assign(row, {critique_at: change.at, critique_id: change.id, critique_key: changeKey});
    } else {
      if (!isLater(change, {at: row.standing_at, id: row.standing_id})) return;
      const standing = change.kind === 'merge' ? 'merged' : change.standing;
      Object.assign(row, {standing_at: change.at, standing_id: change.id, standing});
      this.#place(row.episode, change);
    }
  }

  #place(episode: number, change: Extract<EpisodeChange, {kind: 'merge' | 'standing'}>): void {
    if (change.kind === 'standing') return this.#merged?.part(episode);
    const keeper = this.#entries.owner(tenantOf(episode), change.into);
    if (keeper !== null) this.#merged?.merge(episode, keeper);
  }

  #vote(row: Row, change: Extract<EpisodeChange, {kind: 'vote'}>): void {
    const {plus, minus} = this.#voiced(row.episode, VOTE, change, change.value);
    row.up += plus;
    row.down += minus;
    if (row.up + row.down <= MAX_VOICES) return;
    if (this.#dropEarliest(row.episode, VOTE) === 1) row.up -= 1;
    else row.down -= 1;
  }

  #confirm(row: Row, episode: Episode, change: Extract<EpisodeChange, {kind: 'confirm'}>): void {
    if (change.by === episode.agentId) return;
    const {by, at} = change;
    const value = change.success ? 1 : -1;
    const {plus, minus, before} = this.#voiced(row.episode, CONFIRM, change, value);
    if (before !== 'later') {
      this.#outcomes?.note(row.episode, {author: episode.agentId, confirmer: by}, {value, at}, before);
    }
    row.confirmed += plus;
    row.refuted += minus;
    if (row.confirmed + row.refuted <= MAX_VOICES) return;
    if (this.#dropEarliest(row.episode, CONFIRM) === 1) row.confirmed -= 1;
    else row.refuted -= 1;
  }

  /** By how much a word for or against changes the number of each; `before`: what it takes the place of, or that it is later itself. */
  #voiced(episode: number, kind: number, {by, at, id}: EpisodeChange, value: number): Voiced {
    const known = this.#voice.get(episode, kind, by);
    if (known !== undefined && !isLater({at, id}, known)) return {plus: 0, minus: 0, before: 'later'};
    this.#say.run(episode, kind, by, value, at, id);
    return {
      before: known ?? null,
      plus: Number(value === 1) - Number(known?.value === 1),
      minus: Number(value === -1) - Number(known?.value === -1),
    };
  }

  #dropEarliest(episode: number, kind: number): number {
    const earliest = this.#earliest.get(episode, kind);
    if (earliest === undefined) throw new Error(`Internal error: episode ${episode} has more voices than rows`);
    this.#unsay.run(episode, kind, earliest.agent);
    return earliest.value;
  }

  #tags(row: Row, tenant: string, episode: Episode): Tags {
    if (row.tags === null) return Tags.of(episode);
    const kept: unknown = JSON.parse(this.#bodies.read(tenant, tagsId(episode), row.tags));
    if (isEarlierMarks(kept)) return this.#tagsFromLog(row.episode, tenant, episode);
    const parsed = Tags.parse(kept);
    if (parsed.ok) return parsed.value;
    throw damaged(`the tags of "${episode.id}" of tenant "${tenant}" cannot be read: ${parsed.failure.detail}`);
  }

  #tagsFromLog(key: number, tenant: string, episode: Episode): Tags {
    const tags = Tags.of(episode);
    for (const changed of this.#entries.changesOf(key)) {
      const text = this.#entries.textUnlessDamaged(tenant, changed);
      // The cast names what was appended.
      const item = text === null ? null : (JSON.parse(text) as LogItem);
      if (item?.kind === 'change' && item.change.kind === 'tag') tags.apply(item.change, positionOf(changed.key));
    }
    return tags;
  }
}

function newRow(key: number, episode: Episode): Row {
  const first = firstStamp(episode);
  return {
    ...NO_STATE,
    episode: key,
    standing: 'active',
    standing_at: first.at,
    standing_id: first.id,
    critique_at: first.at,
    critique_id: first.id,
    critique_key: null,
    tags: null,
  };
}
