import type {Database} from 'better-sqlite3';
import type {Result} from '../../../base/result.ts';
import type {LogEntry, LogItem} from '../../../model/episode.ts';
import type {Failure} from '../../../model/failure.ts';
import {NO_REPUTATION, type Reputation, trustOf} from '../../security/reputation.ts';
import type {AppendResult, HubStore, HubStoreFailure, PulledPage} from '../hub-store.ts';
import {AuditLog} from './audit-log.ts';
import {Bodies, type Seal} from './bodies.ts';
import {Credentials} from './credentials.ts';
import {Documents} from './documents.ts';
import {foldEarlierTags} from './earlier-tags.ts';
import {damagedText, Entries} from './entries.ts';
import {EpisodeLog, type Found} from './episode-log.ts';
import {EpisodeMerges} from './episode-merges.ts';
import {EpisodeStates} from './episode-states.ts';
import {backUp} from './backup.ts';
import {Group} from './group.ts';
import {positionOf} from './hub-schema.ts';
import type {HubStoreLimits} from './limits.ts';
import {LastCritiques} from './last-critiques.ts';
import {logIdOf} from './log-id.ts';
import {MergedEpisodes} from './merged-episodes.ts';
import {Messages} from './messages.ts';
import {Outcomes, type Standing} from './outcomes.ts';
import {PushRecords} from './push-records.ts';
import {type Forgetting, Retention, type RetentionPolicy} from './retention.ts';
import {Sessions} from './sessions.ts';
import {type Tenant, Tenants} from './tenants.ts';
import {TextIndex, type TextHits} from './text-index.ts';
import {EpisodeVectors} from './episode-vectors.ts';
import {Vectors} from './vectors.ts';
import {verifyDatabase, type VerifyReport} from './verify.ts';

export interface HubStoreParts {
  readonly file: string;
  readonly db: Database;
  /** Where text is searched when it may not be on disk. */
  readonly memory: Database | null;
  readonly seal: Seal | null;
  readonly limits: HubStoreLimits;
  readonly nowMs: () => number;
}

interface PulledTexts extends Required<Omit<PulledPage, 'entries'>> {
  readonly texts: readonly string[];
}

/** Entries that are made searchable in one go; fewer where somebody looks at the clock in between. */
const TEXT_CHUNK = 100;
const TEXT_SLICE = 8;
/** Whoever runs the hub, in the audit log. */
export const OPERATOR = 'operator';

/** The hub's own database. Synchronous; one process at a time has it open. Everything written is durable after `flush`. */
export class SqliteHubStore implements HubStore {
  readonly file: string;
  readonly log: string;
  readonly sessions: Sessions;
  readonly audit: AuditLog;
  readonly pushes: PushRecords;
  readonly credentials: Credentials;
  readonly documents: Documents;
  readonly messages: Messages;
  readonly vectors: EpisodeVectors;
  readonly merges: EpisodeMerges;
  readonly #db: Database;
  readonly #memory: Database | null;
  readonly #group: Group;
  readonly #tenants: Tenants;
  readonly #entries: Entries;
  readonly #text: TextIndex;
  readonly #log: EpisodeLog;
  readonly #retention: Retention;
  readonly #bodies: Bodies;
  readonly #outcomes: Outcomes;
  readonly #nowMs: () => number;

  constructor({file, db, memory, seal, limits, nowMs}: HubStoreParts) {
    const bodies = new Bodies(seal);
    const group = new Group(db, memory, file);
    this.file = file;
    this.log = logIdOf(db);
    this.#db = db;
    this.#memory = memory;
    this.#bodies = bodies;
    this.#group = group;
    this.#nowMs = nowMs;
    this.#tenants = new Tenants(db, limits.tenants);
    this.#entries = new Entries(db, bodies);
    this.#text = new TextIndex(memory ?? db);
    this.#outcomes = new Outcomes(db);
    this.#outcomes.fill();
    const vectors = new Vectors(db, bodies);
    for (const member of [this.#tenants, this.#text, vectors, this.#outcomes]) group.add(member);
    this.sessions = new Sessions(db, {group, bodies, max: limits.pastSessions});
    const auditLimits = {rows: limits.auditRows, older: limits.olderAuditRows};
    this.audit = new AuditLog(db, {group, bodies, limits: auditLimits});
    this.pushes = new PushRecords(this.audit);
    for (const member of [this.audit, this.pushes]) group.add(member);
    this.credentials = new Credentials(db, group, limits);
    this.documents = new Documents(db, {group, bodies}, limits);
    this.messages = new Messages(db, {group, bodies}, limits);
    const merged = new MergedEpisodes(db);
    const states = new EpisodeStates(db, bodies, {
      entries: this.#entries,
      outcomes: this.#outcomes,
      critiques: new LastCritiques(db, this.#entries),
      merged,
    });
    const tagged = {bodies, entries: this.#entries, states, tenants: this.#tenants, text: this.#text};
    db.transaction(() => foldEarlierTags(db, tagged)).immediate();
    this.#log = new EpisodeLog({
      group,
      tenants: this.#tenants,
      entries: this.#entries,
      states,
      text: this.#text,
      vectors,
      audit: this.audit,
      limits,
      nowMs,
    });
    this.vectors = new EpisodeVectors({group, tenants: this.#tenants, log: this.#log, vectors});
    this.#retention = new Retention({log: this.#log, entries: this.#entries, audit: this.audit, nowMs});
    group.add(this.#retention.marks);
    this.merges = new EpisodeMerges({
      group,
      tenants: this.#tenants,
      log: this.#log,
      entries: this.#entries,
      states,
      merged,
      audit: this.audit,
      trust: ({num}, agent) => trustOf(this.#outcomes.of(num, agent, nowMs()), nowMs()),
      nowMs,
    });
  }

  append(name: string, items: readonly LogItem[]): readonly AppendResult[] {
    const results = this.#group.write(() => {
      const tenant = this.#tenants.open(name);
      return tenant === null ? null : items.map(item => this.#log.append(tenant, item));
    });
    if (results !== null) return results;
    const message = 'Nothing can be kept at present: the hub has no room for it, or its disk has failed';
    return items.map(item => ({id: idOf(item), refused: 'storage-full', message}));
  }

  flush(): Result<void, HubStoreFailure> {
    return this.#group.flush();
  }

  /**
   * Only what is durable. What was forgotten is a change of standing where it stood, under the id it had; what is damaged, a change that
   * says nothing, under an id of its own.
   */
  pull(name: string, since: number, limit: number, maxBytes: number): PulledPage {
    const {texts, more, damaged} = this.pullTexts(name, since, limit, maxBytes);
    // The cast names what `append` has written.
    return {entries: texts.map(text => JSON.parse(text) as LogEntry), more, ...(damaged.length > 0 && {damaged})};
  }

  /** As `pull`, each entry as the JSON it is told in: it need not be parsed and written anew. */
  pullTexts(name: string, since: number, limit: number, maxBytes: number): PulledTexts {
    const tenant = this.#tenants.find(name);
    if (tenant === null) return {texts: [], more: false, damaged: []};
    return this.#group.read(() => {
      const texts: string[] = [];
      const damaged: number[] = [];
      let bytes = 0;
      let last = since;
      for (const row of this.#entries.between(tenant, since, tenant.durable, limit)) {
        const position = positionOf(row.key);
        const whole = this.#entries.textUnlessDamaged(name, row);
        const text = `${(whole ?? damagedText(position)).slice(0, -1)},"position":${position}}`;
        if (texts.length > 0 && bytes + text.length > maxBytes) break;
        if (whole === null) damaged.push(position);
        texts.push(text);
        bytes += text.length;
        last = position;
      }
      return {texts, more: last < tenant.durable, damaged};
    });
  }

  /** What is forgotten is found too: its entry is the change that stands in its place. Throws a `GodelError` if damaged. */
  get(name: string, episode: string): Found | null {
    const tenant = this.#tenants.find(name);
    return tenant && this.#group.read(() => this.#log.get(tenant, episode));
  }

  /** The episodes that stand at these positions, in this order; other positions are left out. */
  at(name: string, positions: readonly number[]): readonly Found[] {
    const tenant = this.#tenants.find(name);
    return tenant === null ? [] : this.#group.read(() => this.#log.at(tenant, positions));
  }

  head(name: string): number {
    return this.#tenants.find(name)?.durable ?? 0;
  }

  /** The last position given out, durable or not. */
  appended(name: string): number {
    return this.#tenants.find(name)?.head ?? 0;
  }

  /** Episodes that are not forgotten; null: of all tenants. */
  episodes(name: string | null): number {
    if (name !== null) return this.#tenants.find(name)?.episodes ?? 0;
    return this.figures().reduce((sum, {episodes}) => sum + episodes, 0);
  }

  tenants(): number {
    return this.#tenants.count;
  }

  /** Figures of every tenant: the last durable position, stored bytes, episodes that are not forgotten. */
  figures(): readonly Pick<Tenant, 'name' | 'durable' | 'bytes' | 'episodes'>[] {
    return [...this.#tenants.all()].map(({name, durable, bytes, episodes}) => ({name, durable, bytes, episodes}));
  }

  /** What the outcomes of others say of an agent. */
  reputation(name: string, agent: string, nowMs: number): Reputation {
    const tenant = this.#tenants.find(name);
    return tenant === null ? NO_REPUTATION : this.#group.read(() => this.#outcomes.of(tenant.num, agent, nowMs));
  }

  /** Agents of whom the outcomes are others than when this was asked last, by one who asks; all: of anybody, perhaps. */
  takeRevised(name: string): ReadonlySet<string> | 'all' {
    const tenant = this.#tenants.find(name);
    return tenant === null ? 'all' : this.#outcomes.takeRevised(tenant.num);
  }

  /** Of all agents of a tenant of whom there are outcomes, by name. Reads all of them. */
  reputations(name: string, nowMs: number): readonly Standing[] {
    const tenant = this.#tenants.find(name);
    return tenant === null ? [] : this.#group.read(() => [...this.#outcomes.all(tenant.num, nowMs)]);
  }

  /** Forgets at most `limit` outcomes that count for nothing any more, or are too many; how many, null: see `flush`. */
  pruneOutcomes(name: string, limit: number): number | null {
    const tenant = this.#tenants.find(name);
    return tenant === null ? 0 : this.#group.write(() => this.#outcomes.prune(tenant.num, this.#nowMs(), limit));
  }

  /**
   * The best `k` for any text. `of`: everything appended so far, for which what is not searchable yet is made so first, however long that
   * takes; or what is `searchable` now, see `followTextFor`.
   */
  searchText(name: string, query: string, k: number, of: 'appended' | 'searchable' = 'appended'): TextHits {
    const tenant = this.#tenants.find(name);
    if (tenant === null) return {hits: [], words: []};
    if (of === 'appended') this.#followTenant(tenant, Number.POSITIVE_INFINITY);
    return this.#group.read(() => this.#text.search(tenant.num, query, k));
  }

  /** As `searchText` in what is searchable now, among those that may have all of these tags: see `tagged`. */
  searchTagged(name: string, query: string, k: number, tags: readonly string[]): TextHits {
    const tenant = this.#tenants.find(name);
    if (tenant === null) return {hits: [], words: []};
    return this.#group.read(() => this.#text.searchTagged(tenant.num, query, k, tags));
  }

  /** The positions of all searchable episodes that may have all of these tags; null: too many, or it cannot be told. */
  tagged(name: string, tags: readonly string[]): readonly number[] | null {
    const tenant = this.#tenants.find(name);
    return tenant === null ? [] : this.#group.read(() => this.#text.tagged(tenant.num, tags));
  }

  /** Makes up to about `limit` entries searchable, so that the next search need not; returns how many are still to be. */
  followText(limit: number): number {
    let rest = limit;
    let behind = 0;
    for (const tenant of this.#tenants.all()) {
      if (rest > 0) rest -= this.#followTenant(tenant, rest);
      behind += tenant.head - this.#text.mark(tenant.num);
    }
    return behind;
  }

  /** As `followText`, for about so many milliseconds, whatever the size of the entries; a few of them at least. */
  followTextFor(ms: number): number {
    const untilMs = performance.now() + ms;
    let behind = 0;
    for (const tenant of this.#tenants.all()) {
      while (performance.now() < untilMs && this.#followTenant(tenant, TEXT_SLICE, TEXT_SLICE) > 0);
      behind += this.unsearchable(tenant.name);
    }
    return behind;
  }

  /** The same for one tenant and its entries up to a position; true: all of these are searchable, or cannot be made so now. */
  followTextTo(name: string, position: number, ms: number): boolean {
    const tenant = this.#tenants.find(name);
    if (tenant === null) return true;
    const untilMs = performance.now() + ms;
    while (this.#text.mark(tenant.num) < Math.min(position, tenant.head)) {
      if (this.#followTenant(tenant, TEXT_SLICE, TEXT_SLICE) === 0) return true;
      if (performance.now() >= untilMs) return this.#text.mark(tenant.num) >= position;
    }
    return true;
  }

  /** Entries that are still to be made searchable; null: of all tenants. */
  unsearchable(name: string | null): number {
    const found = name === null ? [...this.#tenants.all()] : [this.#tenants.find(name)];
    return found.reduce((sum, tenant) => sum + (tenant ? tenant.head - this.#text.mark(tenant.num) : 0), 0);
  }

  /** Episodes of one agent that are not forgotten, oldest first, after a position. Reads the tenant's whole log. */
  episodesOf(name: string, agent: string, page: {readonly since: number; readonly limit: number}): readonly string[] {
    const tenant = this.#tenants.find(name);
    return tenant === null ? [] : this.#group.read(() => this.#entries.byAgent(tenant, agent, page.since, page.limit));
  }

  /**
   * Forgets episodes: a change of standing is appended for each, and episode and changes lose everything but ids and
   * positions, in the file too once it is flushed (see `compact` for the search tables). `at` must be later than whatever was said of their standing; where it is
   * not, and where there is no such episode, nothing is forgotten. Returns what was forgotten, null: nothing, see `flush`.
   */
  forget(name: string, ids: readonly string[], why: Forgetting): readonly string[] | null {
    const tenant = this.#tenants.find(name);
    return tenant === null ? [] : this.#group.write(() => this.#retention.forget(tenant, ids, why));
  }

  /** Forgets what a policy says, at most `limit` episodes; call it again while it returns as many. null: see `flush`. */
  retire(name: string, policy: RetentionPolicy): readonly string[] | null {
    const tenant = this.#tenants.find(name);
    return tenant === null ? [] : this.#group.write(() => this.#retention.retire(tenant, policy));
  }

  /**
   * Makes the search tables and the file anew. What was forgotten is gone as soon as that is flushed, but single words of it may
   * linger in the search tables until this. Nothing else is done meanwhile (seconds for 100,000 episodes), and as much room
   * again is needed; where there is none, it throws a `GodelError`, or `flush` says so.
   */
  compact(): void {
    this.#group.write(() => {
      for (const tenant of this.#tenants.all()) {
        this.#text.drop(tenant.num);
        while (this.#log.followText(tenant, TEXT_CHUNK) > 0);
      }
    });
    if (this.#group.commit() !== null) return;
    this.#group.read(() => {
      this.#db.exec('VACUUM');
      this.#db.pragma('wal_checkpoint(TRUNCATE)');
    });
  }

  /** Writes a copy as of now into a new file while the hub goes on; see `backUp`. */
  async backup(to: string, by = OPERATOR): Promise<Result<VerifyReport, Failure>> {
    this.#group.write(() => this.#tenants.settle());
    const made = await backUp({db: this.#db, group: this.#group, bodies: this.#bodies}, to);
    if (made.ok && this.#db.open) {
      this.audit.add({atMs: this.#nowMs(), tenant: null, who: by, what: 'backup', detail: {file: to}});
    }
    return made;
  }

  /** Reads everything, which takes its time; see `verifyDatabase`. Throws a `GodelError` when it cannot be read. */
  verify(): VerifyReport {
    this.#group.commit();
    return this.#group.read(() => verifyDatabase({db: this.#db, bodies: this.#bodies, pages: true}));
  }

  /** Commits what can be, and closes the file. Closing twice is the same as closing once. */
  close(): void {
    if (!this.#db.open) return;
    this.#group.write(() => this.#tenants.settle());
    this.flush();
    this.#group.close();
    this.#db.close();
    this.#memory?.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #followTenant(tenant: Tenant, limit: number, chunk = TEXT_CHUNK): number {
    let done = 0;
    while (done < limit && this.#text.mark(tenant.num) < tenant.head) {
      const made = this.#group.attempt(() => this.#log.followText(tenant, chunk));
      if (made === null) break;
      done += made;
    }
    return done;
  }
}

function idOf(item: LogItem): string {
  return item.kind === 'episode' ? item.episode.id : item.change.id;
}
