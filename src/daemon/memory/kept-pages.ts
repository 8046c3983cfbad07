import type {MemoryPage, MemorySource} from '../../api/memory-contract.ts';
import {sleep} from '../../base/clock.ts';
import type {HubAdapter} from '../../hub/client/hub-adapter.ts';
import {HubError} from '../../hub/client/hub-error.ts';
import type {Episode, EpisodeState, KeptMemory, LogEntry} from '../../model/episode.ts';
import type {OpenMemory} from './cached-memory.ts';
import {nextTurn} from './turns.ts';

/** Rows of one page, unless less is asked for, and characters of it as JSON: at least one row, whatever its size. */
const PAGE = 500;
const PAGE_CHARS = 4 * 1024 * 1024;
/** Read in one turn of the event loop. */
const AT_ONCE = 20;
/** Asked of the hub together. */
const STATES = 100;
const RETRY_MS = 100;

/** Everything that is remembered, without what was forgotten: where the next page begins. */
type Place = {readonly in: 'local' | 'cache' | 'hub'; readonly after: number};

/**
 * A page of all memories. With a connected hub: first those that only this side has, then the hub's, of which one may be among the first
 * too. Without: what this side has. Throws a HubError when the hub goes away in between.
 */
export async function keptPage(
  opened: OpenMemory,
  {after, limit = PAGE}: {readonly after?: string; readonly limit?: number},
): Promise<MemoryPage> {
  const place = after === undefined ? await firstPlace(opened) : placeOf(after);
  return place.in === 'hub' ? hubPage(opened, place.after, limit) : cachePage(opened, place, limit);
}

/** All of them, each once. Everything else goes on in between. */
export async function* everyMemory(opened: OpenMemory): AsyncGenerator<KeptMemory> {
  const local = new Set<string>();
  let after: string | null | undefined;
  while (after !== null) {
    const page: MemoryPage = await keptPage(opened, after === undefined ? {} : {after});
    for (const row of page.rows) {
      if (page.local) local.add(row.episode.id);
      else if (local.has(row.episode.id)) continue;
      yield row;
    }
    after = page.next;
  }
}

async function firstPlace({hub}: OpenMemory): Promise<Place> {
  if (hub?.isConnected() !== true) return {in: 'cache', after: 0};
  await hub.syncQuietly();
  return {in: 'local', after: 0};
}

async function cachePage({cache}: OpenMemory, place: Place, limit: number): Promise<MemoryPage> {
  const local = place.in === 'local';
  const rows: KeptMemory[] = [];
  let {after} = place;
  let chars = 0;
  while (rows.length < limit && chars < PAGE_CHARS) {
    const some = cache.episodes(after, Math.min(AT_ONCE, limit - rows.length), {local});
    for (const {key, ...kept} of some) {
      const size = JSON.stringify(kept).length;
      if (rows.length > 0 && chars + size > PAGE_CHARS)
        return page(rows, {from: 'cache', local, next: {...place, after}});
      chars += size;
      rows.push(kept);
      after = key;
    }
    if (some.length === 0) return page(rows, {from: 'cache', local, next: local ? {in: 'hub', after: 0} : null});
    await nextTurn();
  }
  return page(rows, {from: 'cache', local, next: {...place, after}});
}

async function hubPage({cache, hub}: OpenMemory, after: number, limit: number): Promise<MemoryPage> {
  const adapter = hub?.adapter ?? null;
  if (adapter === null) throw new HubError('not-connected', 'The connection to the hub ended');
  const {entries, head, more} = await adapter.pull(after, limit);
  const episodes = entries.flatMap(entry => (entry.kind === 'episode' ? [entry.episode] : []));
  const rows: KeptMemory[] = [];
  for (let at = 0; at < episodes.length; at += STATES) {
    const some = episodes.slice(at, at + STATES);
    const here = some.map(({id}) => cache.get(id));
    const there = await keptAtHub(
      adapter,
      some.filter((_, index) => here[index] === null),
    );
    for (const [index, {id}] of some.entries()) {
      const kept = here[index] ?? there.get(id);
      if (kept) rows.push(kept);
    }
    await nextTurn();
  }
  const last = lastPosition(entries);
  const next: Place | null = last !== null && (more || last < head) ? {in: 'hub', after: last} : null;
  return page(rows, {from: 'hub', local: false, next});
}

/** By id; what has been forgotten since is left out. */
async function keptAtHub(adapter: HubAdapter, episodes: readonly Episode[]): Promise<ReadonlyMap<string, KeptMemory>> {
  const kept = new Map<string, KeptMemory>();
  for (let at = 0; at < episodes.length; ) {
    const some = episodes.slice(at, at + STATES);
    const ids = some.map(({id}) => id);
    const states = (await unhurried(async () => adapter.states?.(ids) ?? null)) ?? (await statesOneByOne(adapter, ids));
    for (const [index, state] of states.entries()) {
      const episode = some[index];
      if (episode && state !== null) kept.set(episode.id, {episode, state});
    }
    // Each answer tells of one at least.
    at += Math.max(1, states.length);
  }
  return kept;
}

/** Of a hub that is older than this. */
async function statesOneByOne(adapter: HubAdapter, ids: readonly string[]): Promise<readonly (EpisodeState | null)[]> {
  if (adapter.get === undefined) throw new HubError('unavailable', 'This hub does not tell single episodes');
  const found = await Promise.all(ids.map(id => unhurried(async () => (await adapter.get?.(id)) ?? null)));
  return found.map(each => (each?.entry.kind === 'episode' ? each.state : null));
}

/** Asks again while the hub says that it is too fast. */
async function unhurried<T>(ask: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof HubError) || error.code !== 'too-fast') throw error;
      await sleep(error.retryAfterMs ?? RETRY_MS);
    }
  }
}

function lastPosition(entries: readonly LogEntry[]): number | null {
  return entries.at(-1)?.position ?? null;
}

function page(
  rows: readonly KeptMemory[],
  {from, local, next}: {from: MemorySource; local: boolean; next: Place | null},
): MemoryPage {
  return {v: 1, from, local, rows, next: next === null ? null : `${next.in}:${next.after}`};
}

function placeOf(text: string): Place {
  const [where, after] = text.split(':');
  const place = where === 'hub' || where === 'local' ? where : 'cache';
  return {in: place, after: Number(after)};
}
