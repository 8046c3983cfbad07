import {isDeepStrictEqual} from 'node:util';
import type {MemoryBackend} from '../../api/memory-backend.ts';
import type {
  AddedMemory,
  AtHub,
  ForgetReport,
  ForgetRequest,
  MemoryAnswer,
  MemoryDraft,
  MemoryExportQuery,
  MemoryImport,
  MemoryImported,
  MemoryListQuery,
  MemoryPage,
  MemorySearch,
  MemoryStats,
  MemoryView,
  QuarantineReport,
  QuarantineRequest,
  VoteRequest,
} from '../../api/memory-contract.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import {similarTo} from '../../base/similar.ts';
import {newEpisode} from '../../hub/client/agent-memory.ts';
import {PROCESS_ALARMS} from '../../hub/client/alarms.ts';
import {HubError} from '../../hub/client/hub-error.ts';
import {stampMs} from '../../hub/client/imported-items.ts';
import {uuidV7} from '../../hub/client/uuid-v7.ts';
import {within} from '../../hub/client/within.ts';
import type {KeptMemory, Memory} from '../../model/episode.ts';
import type {Failure} from '../../model/failure.ts';
import type {OpenMemory} from './cached-memory.ts';
import {changeStanding, deskFailure, reachHub, userOf} from './desk-writes.ts';
import {everyMemory, keptPage} from './kept-pages.ts';
import {importMemories} from './memory-import.ts';
import {memoryStats} from './memory-stats.ts';

type Answer<T> = Promise<Result<T, Failure>>;

const DEFAULT_K = 5;
const DEFAULT_LISTED = 50;
/** Memories whose beginning is shown where an id is the beginning of several, or before they are forgotten. */
const SHOWN = 10;
const MAX_TASK = 200;
/** How long a search waits for the hub before what is here answers, in milliseconds. */
const ASK_MS = 2000;
/** What waits for the hub is brought there before it is asked, unless it is more than this. */
const BROUGHT = 500;

/** What people and programs ask of the project's memory, of what is on this side and of the hub behind it. */
export class MemoryDesk implements MemoryBackend {
  readonly #opened: () => Promise<OpenMemory | null>;
  readonly #clean: (text: string) => string;

  /** `opened`: null, where it cannot be. `clean` takes secrets out of what somebody adds. */
  constructor(opened: () => Promise<OpenMemory | null>, clean: (text: string) => string = text => text) {
    this.#opened = opened;
    this.#clean = clean;
  }

  search(search: MemorySearch): Answer<MemoryAnswer> {
    return this.#with(async opened => {
      const found = search.from === 'cache' ? null : await askHub(opened, search);
      const {query, k = DEFAULT_K, ...options} = search;
      const from = found === null ? 'cache' : 'hub';
      return ok({v: 1, from, memories: (found ?? opened.cache.search(query, k, options)).map(viewOf)});
    });
  }

  list({prefix = '', limit = DEFAULT_LISTED}: MemoryListQuery): Answer<readonly MemoryView[]> {
    return this.#with(opened => Promise.resolve(ok(opened.cache.startingWith(prefix, limit).map(viewOf))));
  }

  get(id: string): Answer<MemoryView> {
    return this.#with(async opened => {
      const found = await find(opened, id);
      return found.ok ? ok(viewOf(found.value)) : found;
    });
  }

  add(draft: MemoryDraft): Answer<AddedMemory> {
    return this.#with(async opened => {
      const {cache} = opened;
      const kept = cleaned(draft, this.#clean);
      const masked = isDeepStrictEqual(kept, draft) ? {} : ({masked: true} as const);
      const episode = newEpisode(kept, {agentId: userOf(opened), sessionId: null, at: cache.stamp()});
      opened.keep({kind: 'episode', episode});
      const answer = added(episode.id, await reachHub(opened, [episode.id]));
      return answer.ok ? ok({...answer.value, ...masked}) : answer;
    });
  }

  vote({id, value}: VoteRequest): Answer<AddedMemory> {
    return this.#with(async opened => {
      const found = await find(opened, id);
      if (!found.ok) return found;
      const {episode} = found.value;
      const made = {id: uuidV7(), episode: episode.id, by: userOf(opened), at: opened.cache.stamp()};
      opened.keep({kind: 'change', change: {...made, kind: 'vote', value: value === 'up' ? 1 : -1}});
      return added(episode.id, await reachHub(opened, [made.id]));
    });
  }

  forget(request: ForgetRequest): Answer<ForgetReport> {
    return this.#with(async opened => {
      const chosen = await choose(opened, request);
      if (!chosen.ok) return chosen;
      const memories = chosen.value;
      const told = {
        v: 1,
        ids: memories.map(({episode}) => episode.id),
        tasks: memories.slice(0, SHOWN).map(({episode}) => episode.task.slice(0, MAX_TASK)),
      } as const;
      if (request.dry === true) return ok({...told, hub: 'none'});
      const atHub = await changeStanding(opened, memories, 'forgotten');
      return atHub.ok ? ok({...told, hub: atHub.value}) : atHub;
    });
  }

  quarantine({agent, undo = false}: QuarantineRequest): Answer<QuarantineReport> {
    return this.#with(async opened => {
      // Agents of this project need not be called by their whole name.
      const names = new Set([agent, opened.nameOf(agent)]);
      const agents = new Set<string>();
      const changed: KeptMemory[] = [];
      let episodes = 0;
      for await (const kept of everyMemory(opened)) {
        agents.add(kept.episode.agentId);
        if (!names.has(kept.episode.agentId)) continue;
        episodes += 1;
        if ((kept.state.standing === 'quarantined') === undo) changed.push(kept);
      }
      if (episodes === 0) return fail(unknownAgent(opened, agent, agents));
      const atHub = await changeStanding(opened, changed, undo ? 'active' : 'quarantined');
      if (!atHub.ok) return atHub;
      return ok({v: 1, agent, ids: changed.map(({episode}) => episode.id), episodes, hub: atHub.value});
    });
  }

  export(query: MemoryExportQuery): Answer<MemoryPage> {
    return this.#with(async opened => ok(await keptPage(opened, query)));
  }

  import(request: MemoryImport): Answer<MemoryImported> {
    return this.#with(opened => importMemories(opened, request));
  }

  stats(): Answer<MemoryStats> {
    return this.#with(async opened => ok(await memoryStats(opened)));
  }

  async #with<T>(act: (opened: OpenMemory) => Answer<T>): Answer<T> {
    const memory = await this.#opened();
    if (memory === null || !memory.cache.isOpen) {
      const hint = '`godel daemon logs` says why';
      return fail({reason: 'memory-unusable', detail: 'its file cannot be opened', hint});
    }
    try {
      return await act(memory);
    } catch (error) {
      return fail(deskFailure(error));
    }
  }
}

/** Null: the hub is not there, or does not search, and need not. */
async function askHub(
  {cache, hub, hasHub, hubTrouble}: OpenMemory,
  search: MemorySearch,
): Promise<readonly Memory[] | null> {
  const {query, k = DEFAULT_K, tags, onlySuccess, explain, from} = search;
  const adapter = hub?.isConnected() === true ? hub.adapter : null;
  if (!hub || adapter?.recall === undefined) {
    if (from !== 'hub') return null;
    throw new HubError(
      'unavailable',
      hasHub ? whyAway(hub?.getSyncStats().lastError?.message ?? hubTrouble) : 'the project has no hub',
    );
  }
  const {pending} = cache.counts;
  const narrowed = {...(tags && {tags}), ...(onlySuccess !== undefined && {onlySuccess})};
  const asked = async () => {
    if (pending > 0 && pending <= BROUGHT) await hub.syncQuietly();
    return (await adapter.recall?.({query, k, ...narrowed, ...(explain !== undefined && {explain})})) ?? null;
  };
  const why = () => new HubError('timed-out', 'The hub did not answer in time');
  try {
    // What is here answers in place of a hub that does not.
    return await (from === 'hub' ? asked() : within(asked(), {ms: ASK_MS, alarms: PROCESS_ALARMS, why}));
  } catch (error) {
    if (from === 'hub' || !(error instanceof HubError)) throw error;
    return null;
  }
}

function whyAway(trouble: string | null): string {
  return trouble === null ? 'the hub is not connected' : `the hub is not connected: ${trouble}`;
}

/** By its id or the beginning of one. What is not on this side may be at the hub, which knows whole ids. */
async function find({cache, hub}: OpenMemory, id: string): Promise<Result<KeptMemory, Failure>> {
  const exact = cache.get(id);
  if (exact !== null) return ok(exact);
  const [first, ...others] = cache.startingWith(id, SHOWN);
  if (first !== undefined && others.length === 0) return ok(first);
  if (first !== undefined) {
    const matches = [first, ...others].map(({episode}) => episode.id);
    return fail({reason: 'memory-ambiguous', id, matches});
  }
  const found = hub?.isConnected() === true ? await hub.adapter?.get?.(id) : null;
  if (found?.entry.kind === 'episode') return ok({episode: found.entry.episode, state: found.state});
  const what = found ? `memory "${id}" any more: it has been forgotten` : `memory whose id begins with "${id}"`;
  return fail({reason: 'memory-not-found', what, similar: [], hint: '`godel memory search TEXT` shows ids'});
}

async function choose(
  opened: OpenMemory,
  {ids, beforeMs, tag}: ForgetRequest,
): Promise<Result<readonly KeptMemory[], Failure>> {
  const chosen = new Map<string, KeptMemory>();
  for (const id of ids ?? []) {
    const found = await find(opened, id);
    if (!found.ok) return found;
    chosen.set(found.value.episode.id, found.value);
  }
  if (ids !== undefined) return ok([...chosen.values()]);
  const all: KeptMemory[] = [];
  for await (const kept of everyMemory(opened)) {
    const isOld = beforeMs === undefined || (stampMs(kept.episode.at) ?? 0) < beforeMs;
    if (isOld && (tag === undefined || kept.state.tags.includes(tag))) all.push(kept);
  }
  return ok(all);
}

function unknownAgent({nameOf}: OpenMemory, agent: string, known: ReadonlySet<string>): Failure {
  const ours = nameOf('');
  const short = [...known].map(name => (ours !== '' && name.startsWith(ours) ? name.slice(ours.length) : name));
  const similar = similarTo(agent, new Set(short));
  const hint = '`godel memory stats` shows agents';
  return {reason: 'memory-not-found', what: `memory of an agent "${agent}"`, similar, hint};
}

function added(id: string, atHub: Result<AtHub, Failure>): Result<AddedMemory, Failure> {
  return atHub.ok ? ok({v: 1, id, hub: atHub.value}) : atHub;
}

function cleaned(draft: MemoryDraft, clean: (text: string) => string): MemoryDraft {
  const {task, input, output, critique, tags} = draft;
  return {
    ...draft,
    task: clean(task),
    ...(input !== undefined && {input: clean(input)}),
    ...(output !== undefined && {output: clean(output)}),
    ...(critique !== undefined && {critique: clean(critique)}),
    ...(tags !== undefined && {tags: tags.map(clean)}),
  };
}

function viewOf<T extends KeptMemory>(kept: T): T & MemoryView {
  return {...kept, atMs: stampMs(kept.episode.at)};
}
