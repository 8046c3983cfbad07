import type {Database} from 'better-sqlite3';
import type {EpisodeChange, LogItem} from '../../../model/episode.ts';
import type {RecallRule} from '../../../model/hub.ts';
import {parseStamp} from '../../replica/hybrid-clock.ts';
import {isSealedItem} from '../../security/tenant-seal.ts';
import {CacheBodies} from './cache-bodies.ts';
import {foldChange, hasChangedTags, type Settled} from './cache-folds.ts';
import type {CacheLimits} from './cache-limits.ts';
import {CacheRows, type Doomed, type NewRow, type Ranking, type Row, type Totals} from './cache-rows.ts';
import type {BodyCode} from './cache-seal.ts';
import {CacheText} from './cache-text.ts';

const INDEX_AT_ONCE = 2000;
/** Episodes that are not searchable yet, before a write makes them so. */
const MAX_UNINDEXED = 256;
/** How much is forgotten beyond the limit, so that it is not done for each episode. */
const SLACK = 0.05;
const MIN_FORGOTTEN = 10;
/** As many ids of episodes that somebody has forgotten are kept, the last ones. */
const MAX_BURIED = 100_000;
/** The fact that is the rule of recall. */
const RULE = 'recall';
/** The fact that folds keep the last word on each tag alone. */
const EARLIER_TAGS = 'earlier-tags';
/** The fact that counts them. */
const FORGOTTEN = 'forgotten';

/** What the contents are counted by, to be put back when a transaction fails. */
export interface Marks {
  readonly totals: Totals;
  readonly indexed: number;
  readonly last: number;
}

/** The rows of a cache, the words of its episodes, and what both amount to. Every call is within a transaction of the caller's. */
export class CacheContents {
  readonly rows: CacheRows;
  readonly bodies: CacheBodies;
  readonly #text: CacheText;
  /** The log that is followed; null: none yet. */
  log: string | null;
  readonly #limits: CacheLimits;
  readonly #wallMs: () => number;
  #totals: Totals;
  #rule: RecallRule = {quorum: 0, distrusted: []};
  /** Episodes up to this row are searchable. */
  #indexed: number;
  #last: number;

  constructor(
    db: Database,
    {limits, code, text, wallMs}: {limits: CacheLimits; code: BodyCode; text: 'main' | 'temp'; wallMs: () => number},
  ) {
    this.rows = new CacheRows(db);
    this.bodies = new CacheBodies(code);
    this.#text = new CacheText(db, text);
    this.#limits = limits;
    this.#wallMs = wallMs;
    this.#totals = this.rows.totals.get() ?? {
      episodes: 0,
      bytes: 0,
      pending: 0,
      pendingBytes: 0,
      refused: 0,
      sealed: 0,
    };
    this.#indexed = this.#text.last();
    this.#last = this.rows.last.get() ?? 0;
    const log = this.rows.fact.get('log');
    this.log = typeof log === 'string' ? log : null;
    const kept = this.rows.fact.get(RULE);
    // The cast names what `obey` has written.
    if (typeof kept !== 'number' && kept !== undefined) this.#rule = JSON.parse(code.decode(RULE, kept)) as RecallRule;
  }

  get rule(): RecallRule {
    return this.#rule;
  }

  obey(rule: RecallRule): void {
    const json = JSON.stringify(rule);
    if (json === JSON.stringify(this.#rule)) return;
    this.rows.setFact.run(RULE, this.bodies.code.encode(RULE, json));
    this.#rule = rule;
  }

  get totals(): Totals {
    return this.#totals;
  }

  /** Episodes, whether they can be read or not. */
  get #all(): number {
    return this.#totals.episodes + this.#totals.sealed;
  }

  get marks(): Marks {
    return {totals: this.#totals, indexed: this.#indexed, last: this.#last};
  }

  /** After rows were changed by others than its own methods. */
  recount(): void {
    this.#totals = this.rows.totals.get() ?? this.#totals;
  }

  goBackTo({totals, indexed, last}: Marks): void {
    this.#totals = totals;
    this.#indexed = indexed;
    this.#last = last;
  }

  /** Episodes that were here and that somebody has forgotten. */
  get forgotten(): number {
    return Number(this.rows.fact.get(FORGOTTEN) ?? 0);
  }

  get isIndexed(): boolean {
    return this.#indexed >= this.#last;
  }

  put(item: LogItem, json: string, {owner, position}: {owner: number | null; position: number | null}): void {
    const {id, at} = item.kind === 'episode' ? item.episode : item.change;
    const body = this.bodies.code.encode(id, json);
    const isEpisode = item.kind === 'episode';
    const row: NewRow = {
      id,
      kind: isEpisode ? (isSealedItem(item) ? 2 : 0) : 1,
      owner,
      position,
      at_ms: parseStamp(at)?.ms ?? this.#wallMs(),
      expires_at_ms: isEpisode ? item.episode.expiresAtMs : null,
      reward: isEpisode ? item.episode.reward : 0,
      success: isEpisode && item.episode.success ? 1 : 0,
      bytes: body.length,
      body,
    };
    this.#last = Number(this.rows.put.run(row).lastInsertRowid);
    this.#count({...row, refused: null}, 1);
  }

  /**
   * The hub has it at this position. A change lives on in the fold of its episode; false: that is not here. `settled`: up to there the log has
   * been seen.
   */
  taken(
    row: Row,
    position: number,
    {then = 'keep', settled = 0}: {then?: 'keep' | 'forget'; settled?: number} = {},
  ): boolean {
    if (row.kind === 1) {
      const item = this.bodies.item(row);
      const isHere = item.kind === 'change' && this.rows.byId.get(item.change.episode)?.kind === 0;
      if (item.kind === 'change' && then === 'keep') this.fold(item.change, position, settled);
      this.drop(row);
      return isHere || then === 'forget';
    }
    if (then === 'forget') this.drop(row);
    else {
      this.rows.taken.run({n: row.n, position});
      this.#count(row, -1);
      this.#count({...row, owner: null, refused: null}, 1);
    }
    return true;
  }

  /** Forgets all that only the hub's log says; what waits for the hub, and what it did not take, stays. */
  forgetTaken(): void {
    for (const row of this.rows.oldestSafe.all(this.#all)) {
      if (row.refused === null) this.drop({...row, owner: null});
    }
  }

  /** The hub never takes it. A change leaves nothing to keep; an episode is still worth remembering here. */
  refuse(row: Row, code: string): void {
    if (row.kind === 1) return this.drop(row);
    this.rows.refused.run({n: row.n, code});
    this.#count(row, -1);
    this.#count({...row, owner: null, refused: code}, 1);
  }

  /** A change of an episode that is not here says nothing to us, unless that it is forgotten. */
  fold(change: EpisodeChange, position: number | null, settled: Settled): void {
    const row = this.rows.byId.get(change.episode);
    if (row?.kind !== 0) {
      if (change.kind === 'standing' && change.standing === 'forgotten') this.#bury(change.episode);
      return;
    }
    const kept = this.bodies.fold(row);
    const {json, state} = foldChange(this.bodies.episode(row), {kept, change, position, settled});
    if (state.standing === 'forgotten') {
      this.rows.setFact.run(FORGOTTEN, this.forgotten + 1);
      this.drop(row);
      return this.#bury(row.id);
    }
    const fold = this.bodies.sealFold(row.id, json);
    this.rows.folded.run({n: row.n, fold, standing: state.standing === 'active' ? 0 : 1});
  }

  /** Whether tags were changed when folds did not keep all that was said of them: said once. */
  lacksTags(): boolean {
    if (this.rows.fact.get(EARLIER_TAGS) !== 1) return false;
    this.rows.setFact.run(EARLIER_TAGS, 0);
    let after = 0;
    for (;;) {
      const rows = this.rows.episodesAfter.all(after, INDEX_AT_ONCE);
      for (const row of rows) {
        const kept = this.bodies.fold(row);
        if (kept !== null && hasChangedTags(kept)) return true;
      }
      if (rows.length < INDEX_AT_ONCE) return false;
      after = rows.at(-1)?.n ?? after;
    }
  }

  #bury(id: string): void {
    this.rows.bury.run(id);
    this.rows.unbury.run(MAX_BURIED);
  }

  drop(row: Pick<Row, 'n' | 'kind' | 'owner' | 'refused' | 'bytes'>): void {
    this.rows.remove.run(row.n);
    if (row.kind === 0 && row.n <= this.#indexed) this.#text.remove(row.n);
    this.#count(row, -1);
  }

  /** Forgets the oldest of what the hub has, when there is too much: first what has expired. */
  forget(): void {
    const {episodes, bytes} = this.#limits;
    if (this.#all <= episodes && this.#totals.bytes <= bytes) return;
    const leastEpisodes = Math.floor(episodes * (1 - SLACK));
    const leastBytes = Math.floor(bytes * (1 - SLACK));
    const all = this.#all;
    const doomed = new Map<number, Doomed>();
    for (const row of this.rows.expired.all(this.#wallMs(), all)) doomed.set(row.n, row);
    for (const row of this.rows.oldestSafe.all(all)) doomed.set(row.n, row);
    for (const row of doomed.values()) {
      if (this.#all <= leastEpisodes && this.#totals.bytes <= leastBytes) return;
      this.drop({...row, owner: null});
    }
  }

  /** Forgets a tenth of what the hub has, the oldest first. False: there is nothing to forget. */
  forgetSome(): boolean {
    const doomed = this.rows.oldestSafe.all(Math.max(MIN_FORGOTTEN, Math.ceil(this.#all / 10)));
    for (const row of doomed) this.drop({...row, owner: null});
    return doomed.length > 0;
  }

  /** Makes episodes searchable; `when`: all there are, a good part of them, or some when many are not. */
  index(when: 'all' | 'part' | 'many'): void {
    if (when === 'many' && this.#last - this.#indexed < MAX_UNINDEXED) return;
    let left = when === 'all' ? Number.POSITIVE_INFINITY : INDEX_AT_ONCE;
    while (left > 0 && this.#indexed < this.#last) {
      const rows = this.rows.episodesAfter.all(this.#indexed, INDEX_AT_ONCE);
      for (const row of rows) this.#text.put(row.n, this.bodies.episode(row));
      left -= rows.length;
      this.#indexed = rows.length < INDEX_AT_ONCE ? this.#last : (rows.at(-1)?.n ?? this.#last);
    }
  }

  /** Rows by what their words have to do with the query, best first. */
  find(query: string, limit: number): readonly Ranking[] {
    const keys = this.#text.search(query, limit, this.#totals.episodes);
    return keys.flatMap(key => this.rows.ranking.get(key) ?? []);
  }

  #count({kind, owner, refused, bytes}: Pick<Row, 'kind' | 'owner' | 'refused' | 'bytes'>, by: 1 | -1): void {
    const {totals} = this.marks;
    this.#totals = {
      episodes: totals.episodes + (kind === 0 ? by : 0),
      bytes: totals.bytes + by * bytes,
      pending: totals.pending + (owner === null ? 0 : by),
      pendingBytes: totals.pendingBytes + (owner === null ? 0 : by * bytes),
      refused: totals.refused + (refused === null ? 0 : by),
      sealed: totals.sealed + (kind === 2 ? by : 0),
    };
  }
}
