import type {MemoryImport, MemoryImported} from '../../api/memory-contract.ts';
import {type Result, ok} from '../../base/result.ts';
import {importedItems, importFault} from '../../hub/client/imported-items.ts';
import {HubError} from '../../hub/client/hub-error.ts';
import type {KeptMemory, LogItem} from '../../model/episode.ts';
import type {Failure} from '../../model/failure.ts';
import {readKeptLine} from '../../wire/kept-memory.ts';
import type {OpenMemory} from './cached-memory.ts';
import {idOf, reachHub, userOf, writeAll} from './desk-writes.ts';
import {lessonId} from './lesson-id.ts';
import {nextTurn} from './turns.ts';

type Problem = MemoryImported['problems'][number];
type Standing = 'new' | 'known' | 'forgotten';

/** Ids asked of the hub at the same time, and what is read and written in one turn of the event loop. */
const ASKED = 50;
const AT_ONCE = 10;

/** Takes in what is not here yet; what is wrong with a line is told, and the others are taken. */
export async function importMemories(
  opened: OpenMemory,
  {lines, dry = false}: MemoryImport,
): Promise<Result<MemoryImported, Failure>> {
  const {read, problems} = await readLines(lines);
  const told = {v: 1, added: 0, known: 0, forgotten: 0, problems} as const;
  if (dry) return ok({...told, hub: 'none'});
  const counts = {new: 0, known: 0, forgotten: 0};
  const written: string[] = [];
  for (let at = 0; at < read.length; at += ASKED) {
    const some = read.slice(at, at + ASKED);
    const standings = await Promise.all(some.map(({episode}) => standingOf(opened, episode.id)));
    for (const [index, kept] of some.entries()) {
      if (index % AT_ONCE === 0) await nextTurn();
      // The same may stand in two lines.
      const isHere = opened.cache.get(kept.episode.id) !== null;
      const standing = isHere ? 'known' : (standings[index] ?? 'known');
      counts[standing] += 1;
      if (standing !== 'new') continue;
      const items = itemsOf(opened, kept);
      await writeAll(opened, items);
      written.push(...items.map(idOf));
    }
  }
  const atHub = await reachHub(opened, written);
  if (!atHub.ok) return atHub;
  return ok({...told, added: counts.new, known: counts.known, forgotten: counts.forgotten, hub: atHub.value});
}

async function readLines(lines: readonly string[]): Promise<{read: KeptMemory[]; problems: Problem[]}> {
  const read: KeptMemory[] = [];
  const problems: Problem[] = [];
  for (const [line, text] of lines.entries()) {
    if (line % AT_ONCE === AT_ONCE - 1) await nextTurn();
    const kept = readKeptLine(text);
    const message = kept.ok ? importFault(kept.value, Date.now()) : kept.failure;
    if (message !== null) problems.push({line, message});
    else if (kept.ok) read.push(kept.value);
  }
  return {read, problems};
}

/** Where it is not on this side, the hub is asked: it may have it, or have forgotten it. */
async function standingOf({cache, hub}: OpenMemory, id: string): Promise<Standing> {
  if (cache.get(id) !== null) return 'known';
  if (hub?.isConnected() !== true) return cache.isForgotten(id) ? 'forgotten' : 'new';
  try {
    const found = await hub.adapter?.get?.(id);
    if (!found) return 'new';
    return found.entry.kind === 'episode' ? 'known' : 'forgotten';
  } catch (error) {
    // It is told again what it knows, and takes nothing twice.
    if (error instanceof HubError) return 'new';
    throw error;
  }
}

function itemsOf(opened: OpenMemory, kept: KeptMemory): readonly LogItem[] {
  const items = importedItems(kept, {
    by: userOf(opened),
    stamp: () => opened.cache.stamp(),
    idOf: kind => lessonId(0, ['import', kept.episode.id, kind]),
    wallMs: Date.now(),
  });
  // Looked at before.
  return items.ok ? items.value : [];
}
