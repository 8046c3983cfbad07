import type {Episode, EpisodeChange, EpisodeState, LogItem, Memory} from '../../model/episode.ts';
import {changeSchema, episodeSchema, MAX_RECALL, MAX_TASK_CHARS, MAX_TEXT_CHARS} from '../../wire/hub-protocol.ts';
import {isSealedText, SEALED_PREFIX} from '../security/end-to-end.ts';
import type {Signer} from '../security/signer.ts';
import {isSealedEpisode, isSealedItem, type TenantSeal} from '../security/tenant-seal.ts';
import type {HubAdapter, HubMember, HubQuery} from './hub-adapter.ts';
import {badOption} from './hub-error.ts';
import {promised} from './promised.ts';
import type {CacheUser, EpisodeCache} from './store/episode-cache.ts';
import {uuidV7} from './uuid-v7.ts';

/** What an agent remembers of a task. */
export interface EpisodeInput {
  readonly task: string;
  readonly input?: string;
  readonly output?: string;
  readonly critique?: string | null;
  /** How good the outcome was, from 0 to 1. */
  readonly reward: number;
  /** Without it: whether the reward is 0.5 or more. */
  readonly success?: boolean;
  readonly sessionId?: string | null;
  readonly tags?: readonly string[];
  /** Wall time (Unix epoch, milliseconds) after which it is forgotten; null: by the policy of its tenant. */
  readonly expiresAtMs?: number | null;
}

export interface QueryOptions {
  readonly onlySuccess?: boolean;
  /** All of them. */
  readonly tags?: readonly string[];
  readonly explain?: boolean;
  /**
   * `cache`: what is here, at once. `hub`: its search, which finds by meaning too; rejects when it cannot. `auto`: the cache once it has
   * been synced, before that the hub if it answers.
   */
  readonly from?: 'auto' | 'cache' | 'hub';
}

/** What an agent can do with its memory; all of it works without a hub. */
export interface MemoryDb {
  /** The best k for a task, best first; fewer where fewer have to do with it. */
  queryMemories(task: string, k?: number, options?: QueryOptions): Promise<readonly Memory[]>;
  /** Resolves with its id when it is kept here; it goes to the hub with the next sync. */
  storeEpisode(episode: EpisodeInput): Promise<string>;
  getEpisode(id: string): Promise<{readonly episode: Episode; readonly state: EpisodeState} | null>;
  /** What one makes of an episode; resolves with the id of the change. */
  vote(episode: string, value: 1 | -1): Promise<string>;
  use(episode: string, count?: number): Promise<string>;
  confirm(episode: string, success: boolean): Promise<string>;
  tag(episode: string, tags: {readonly add?: readonly string[]; readonly remove?: readonly string[]}): Promise<string>;
  criticise(episode: string, text: string): Promise<string>;
  forget(episode: string): Promise<string>;
}

const DEFAULT_K = 5;
const SUCCESS_REWARD = 0.5;
/** A surrogate without its other half is no character and cannot be stored. */
const HALF = /\p{Surrogate}/gu;

type Who = Pick<HubMember, 'agentId' | 'tenantId'>;

type ChangeKind = EpisodeChange extends infer Change
  ? Change extends EpisodeChange
    ? Omit<Change, 'id' | 'episode' | 'by' | 'at' | 'clock'>
    : never
  : never;

export class AgentMemory implements MemoryDb {
  readonly #cache: EpisodeCache;
  readonly #user: CacheUser;
  readonly #who: Who;
  readonly #signer: Signer | null;
  readonly #sessionId: string | null;
  readonly #seal: TenantSeal | null;
  readonly #hub: () => {readonly adapter: HubAdapter; readonly isSynced: boolean} | null;

  /**
   * `hub`: the one to ask, if there is one now, and whether the cache has been synced with it. `seal`: what seals everything on its way to
   * the hub; null: nothing does.
   */
  constructor(given: {
    cache: EpisodeCache;
    user: CacheUser;
    who: Who;
    signer: Signer | null;
    sessionId: string | null;
    seal: TenantSeal | null;
    hub: () => {readonly adapter: HubAdapter; readonly isSynced: boolean} | null;
  }) {
    this.#cache = given.cache;
    this.#user = given.user;
    this.#who = given.who;
    this.#signer = given.signer;
    this.#sessionId = given.sessionId;
    this.#seal = given.seal;
    this.#hub = given.hub;
  }

  async queryMemories(task: string, k = DEFAULT_K, options: QueryOptions = {}): Promise<readonly Memory[]> {
    if (typeof task !== 'string' || task === '') throw badOption('queryMemories needs a task to look for');
    if (!Number.isInteger(k) || k < 1 || k > MAX_RECALL) throw badOption(`k is ${k}: use 1 to ${MAX_RECALL}`);
    const {from = 'auto'} = options;
    const hub = from === 'cache' ? null : this.#hub();
    if (from === 'hub') {
      if (this.#seal !== null) {
        throw badOption("With endToEnd the hub cannot search, since it cannot read: use from: 'cache'");
      }
      if (hub?.adapter.recall === undefined) throw badOption("There is no hub that searches: use from: 'cache'");
      return readable(await hub.adapter.recall(queryOf(task, k, options)));
    }
    if (hub !== null && !hub.isSynced && hub.adapter.isConnected && hub.adapter.recall !== undefined) {
      try {
        return readable(await hub.adapter.recall(queryOf(task, k, options)));
      } catch {
        // A hub that does not search, or is away: what is here is what there is.
      }
    }
    const role = this.#hub()?.adapter.welcome?.role ?? 'worker';
    return this.#cache.search(task, k, {...options, by: {agentId: this.#who.agentId, role}});
  }

  storeEpisode(input: EpisodeInput): Promise<string> {
    return promised(() => this.#store(input));
  }

  getEpisode(id: string) {
    return promised(() => this.#cache.get(id));
  }

  vote(episode: string, value: 1 | -1): Promise<string> {
    return this.#change(episode, {kind: 'vote', value});
  }

  use(episode: string, count = 1): Promise<string> {
    return this.#change(episode, {kind: 'use', count});
  }

  confirm(episode: string, success: boolean): Promise<string> {
    return this.#change(episode, {kind: 'confirm', success});
  }

  tag(episode: string, {add = [], remove = []}: {add?: readonly string[]; remove?: readonly string[]}) {
    return this.#change(episode, {kind: 'tag', add: add.map(whole), remove: remove.map(whole)});
  }

  criticise(episode: string, text: string): Promise<string> {
    return this.#change(episode, {kind: 'critique', text: whole(text)});
  }

  forget(episode: string): Promise<string> {
    return this.#change(episode, {kind: 'standing', standing: 'forgotten'});
  }

  #store(input: EpisodeInput): string {
    const {agentId, tenantId} = this.#who;
    const agent = {agentId, sessionId: this.#sessionId, at: this.#cache.stamp(), clock: this.#cache.clock()};
    const episode = newEpisode(input, agent);
    this.#add({kind: 'episode', episode: this.#signer?.sign(episode, tenantId) ?? episode});
    return episode.id;
  }

  #add(item: LogItem): void {
    if (isSealedItem(item))
      throw badOption(`A text must not begin with ${SEALED_PREFIX}: it would be taken for sealed`);
    const excess = this.#seal?.excess(item, {task: MAX_TASK_CHARS, text: MAX_TEXT_CHARS}) ?? null;
    if (excess !== null) {
      throw badOption(`${excess.part} is too long to be sealed end to end: leave out ${excess.bytes} bytes`);
    }
    this.#cache.add(this.#user, item);
  }

  #change(episode: string, kind: ChangeKind): Promise<string> {
    return promised(() => {
      const written = {by: this.#who.agentId, at: this.#cache.stamp(), clock: this.#cache.clock()};
      const change: EpisodeChange = {id: uuidV7(), episode, ...written, ...kind};
      check(changeSchema.safeParse(change), kind.kind);
      this.#add({kind: 'change', change});
      return change.id;
    });
  }
}

/** What somebody remembers, made at this stamp. Throws a HubError `bad-option`, which names what cannot be. */
export function newEpisode(
  input: EpisodeInput,
  {agentId, sessionId: usual, at, clock}: Pick<Episode, 'agentId' | 'sessionId' | 'at' | 'clock'>,
): Episode {
  const {reward, critique = null, sessionId = usual, expiresAtMs = null} = input;
  const episode: Episode = {
    id: uuidV7(),
    agentId,
    sessionId,
    task: whole(input.task),
    input: whole(input.input ?? ''),
    output: whole(input.output ?? ''),
    critique: critique === null ? null : whole(critique),
    reward,
    success: input.success ?? reward >= SUCCESS_REWARD,
    tags: (input.tags ?? []).map(whole),
    at,
    expiresAtMs,
    signature: null,
    ...(clock && {clock}),
  };
  check(episodeSchema.safeParse(episode), 'storeEpisode');
  return episode;
}

/** What a hub finds, without what other agents have sealed. */
function readable(memories: readonly Memory[]): readonly Memory[] {
  return memories.flatMap(memory => {
    const {episode, state} = memory;
    if (isSealedEpisode(episode)) return [];
    const {otherCritiques = [], ...rest} = state;
    const others = otherCritiques.filter(text => !isSealedText(text));
    const isSealed = state.critique !== null && isSealedText(state.critique);
    const critique = isSealed ? episode.critique : state.critique;
    return [{...memory, state: {...rest, critique, ...(others.length > 0 && {otherCritiques: others})}}];
  });
}

function queryOf(query: string, k: number, {onlySuccess, tags, explain}: QueryOptions): HubQuery {
  const narrowed = {...(tags && {tags}), ...(onlySuccess !== undefined && {onlySuccess})};
  return {query, k, ...narrowed, ...(explain !== undefined && {explain})};
}

/** Half characters, as a cut in the middle of an emoji leaves them, become the sign for what cannot be shown. */
function whole(text: string): string {
  return typeof text === 'string' ? text.replaceAll(HALF, '\uFFFD') : text;
}

function check(
  parsed:
    | {success: true}
    | {success: false; error: {issues: readonly {path: readonly PropertyKey[]; message: string}[]}},
  what: string,
): void {
  if (parsed.success) return;
  const told = parsed.error.issues.slice(0, 3).map(({path, message}) => `${path.map(String).join('.')}: ${message}`);
  throw badOption(`${what} cannot keep this: ${told.join('; ')}`);
}
