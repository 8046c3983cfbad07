import type {Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {HubRequest} from './contract.ts';
import type {MemoryBackend} from './memory-backend.ts';
import type {
  AddedMemory,
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
} from './memory-contract.ts';

type Answer<T> = Promise<Result<T, Failure>>;

export interface MemoryCall {
  readonly method: 'GET' | 'POST';
  readonly path: string;
  readonly body?: object;
  readonly isRepeatable?: boolean;
  /** The answer may take long: all that a hub has is looked at. */
  readonly waits?: boolean;
}

/** The routes under `/v1/memory`, one method each. Given what sends a call. */
export class MemoryClient implements MemoryBackend {
  readonly #call: <T>(call: MemoryCall) => Answer<T>;

  /** `hub`: of the teams that have this hub; absent: of those that are not told otherwise. */
  constructor(call: <T>(call: MemoryCall) => Answer<T>, hub: HubRequest = {}) {
    const {url, tenant, tokenFile} = hub;
    const where = queryText({hub: url, tenant, hubTokenFile: tokenFile}).slice(1);
    this.#call = asked => {
      const joined = asked.path.includes('?') ? '&' : '?';
      return call(where === '' ? asked : {...asked, path: `${asked.path}${joined}${where}`});
    };
  }

  search(search: MemorySearch): Answer<MemoryAnswer> {
    return this.#post('search', search, {isRepeatable: true});
  }

  async list(query: MemoryListQuery): Answer<readonly MemoryView[]> {
    const path = `/memory/episodes${queryText({...query})}`;
    const answer = await this.#call<{memories: readonly MemoryView[]}>({method: 'GET', path});
    return answer.ok ? {ok: true, value: answer.value.memories} : answer;
  }

  get(id: string): Answer<MemoryView> {
    return this.#call({method: 'GET', path: `/memory/episodes/${encodeURIComponent(id)}`});
  }

  add(draft: MemoryDraft): Answer<AddedMemory> {
    return this.#post('episodes', draft);
  }

  vote(request: VoteRequest): Answer<AddedMemory> {
    return this.#post('vote', request, {isRepeatable: true});
  }

  forget(request: ForgetRequest): Answer<ForgetReport> {
    return this.#post('forget', request, {waits: true});
  }

  quarantine(request: QuarantineRequest): Answer<QuarantineReport> {
    return this.#post('quarantine', request, {isRepeatable: true, waits: true});
  }

  export(query: MemoryExportQuery): Answer<MemoryPage> {
    return this.#call({method: 'GET', path: `/memory/export${queryText({...query})}`});
  }

  import(request: MemoryImport): Answer<MemoryImported> {
    return this.#post('import', request, {isRepeatable: true, waits: true});
  }

  stats(): Answer<MemoryStats> {
    return this.#call({method: 'GET', path: '/memory/stats'});
  }

  #post<T>(what: string, body: object, {isRepeatable = false, waits = false} = {}): Answer<T> {
    return this.#call({method: 'POST', path: `/memory/${what}`, body, isRepeatable, waits});
  }
}

function queryText(values: Readonly<Record<string, string | number | undefined>>): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(values)) if (value !== undefined) params.set(key, String(value));
  return params.size === 0 ? '' : `?${params.toString()}`;
}
