import type {Database} from 'better-sqlite3';
import {GodelError} from '../../../model/failure.ts';
import type {Bodies, Body} from './bodies.ts';
import type {Entries} from './entries.ts';
import type {EpisodeStates} from './episode-states.ts';
import {positionOf, tenantOf} from './hub-schema.ts';
import {isEarlierMarks, tagsId} from './kept-tags.ts';
import type {Tenants} from './tenants.ts';
import type {TextIndex} from './text-index.ts';

const IS_EARLIER = "SELECT 1 FROM meta WHERE key = 'earlier-tags'";
const IS_LATER = "DELETE FROM meta WHERE key = 'earlier-tags'";
const TAGGED = 'SELECT episode AS key, tags FROM states WHERE tags IS NOT NULL';

interface Parts {
  readonly bodies: Bodies;
  readonly entries: Entries;
  readonly states: EpisodeStates;
  readonly tenants: Tenants;
  readonly text: TextIndex;
}

/**
 * In a database from when a tag was on or off by the last word on it, that word was all that was kept. What all changes of the log amount to is kept in
 * its place, and is what is searched for. Within a transaction: all of it is done, once, or nothing.
 */
export function foldEarlierTags(db: Database, parts: Parts): void {
  if (db.prepare(IS_EARLIER).get() === undefined) return;
  for (const {key, tags} of db.prepare<[], {key: number; tags: Body}>(TAGGED).all()) {
    try {
      foldAnew(parts, key, tags);
    } catch (error) {
      // Damaged: it is found when it is read, and is no reason not to open the others.
      if (!(error instanceof GodelError)) throw error;
    }
  }
  db.prepare(IS_LATER).run();
}

function foldAnew({bodies, entries, states, tenants, text}: Parts, key: number, tags: Body): void {
  const tenant = tenants.numbered(tenantOf(key));
  const row = entries.at(key);
  if (tenant === null || row === null) return;
  const placed = {tenant: tenant.name, key, episode: entries.episode(tenant.name, row)};
  const kept: unknown = JSON.parse(bodies.read(tenant.name, tagsId(placed.episode), tags));
  if (!isEarlierMarks(kept)) return;
  states.keepTagsAnew(placed);
  const {standing, critique, tags: now} = states.of(placed);
  const before = kept.flatMap(([tag, {has}]) => (has ? [tag] : [])).toSorted();
  const position = positionOf(key);
  if (standing !== 'active' || position > text.mark(tenant.num) || before.join(' ') === now.join(' ')) return;
  const {task, input, output} = placed.episode;
  text.remove(tenant.num, position, {task, input, output, critique, tags: before});
  text.put(tenant.num, position, {task, input, output, critique, tags: now});
}
