import type {Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
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

/** What the routes under `/v1/memory` need of the daemon, and what its client offers. `id`: the beginning of one is enough. */
export interface MemoryBackend {
  search(search: MemorySearch): Answer<MemoryAnswer>;
  /** The highest ids first, which are the latest. */
  list(query: MemoryListQuery): Answer<readonly MemoryView[]>;
  get(id: string): Answer<MemoryView>;
  add(draft: MemoryDraft): Answer<AddedMemory>;
  vote(request: VoteRequest): Answer<AddedMemory>;
  forget(request: ForgetRequest): Answer<ForgetReport>;
  quarantine(request: QuarantineRequest): Answer<QuarantineReport>;
  export(query: MemoryExportQuery): Answer<MemoryPage>;
  import(request: MemoryImport): Answer<MemoryImported>;
  stats(): Answer<MemoryStats>;
}
