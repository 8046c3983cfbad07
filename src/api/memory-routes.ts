import type {Context, Hono} from 'hono';
import type {Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {Backend} from './backend.ts';
import type {MemoryBackend} from './memory-backend.ts';
import {
  parseForgetRequest,
  parseMemoryDraft,
  parseMemoryExportQuery,
  parseMemoryHub,
  parseMemoryImport,
  parseMemoryListQuery,
  parseMemorySearch,
  parseQuarantineRequest,
  parseVoteRequest,
} from './memory-schema.ts';

export interface MemoryRoutesParts {
  readonly backend: Pick<Backend, 'memory' | 'memoryAt'>;
  readonly bodyOf: (c: Context) => Promise<unknown>;
  readonly respond: (c: Context, answer: Result<object, Failure>) => Response;
}

/** The routes under `/v1/memory`: each parses, asks once and answers JSON. */
export function addMemoryRoutes(app: Hono, {backend, bodyOf, respond}: MemoryRoutesParts): void {
  const memoryOf = (c: Context): Result<MemoryBackend, Failure> => {
    const hub = parseMemoryHub(c.req.query());
    if (!hub.ok) return hub;
    return Object.keys(hub.value).length === 0 ? {ok: true, value: backend.memory} : backend.memoryAt(hub.value);
  };
  const post = <T>(
    path: string,
    parse: (value: unknown) => Result<T, Failure>,
    ask: (memory: MemoryBackend, body: T) => Promise<Result<object, Failure>>,
  ): void => {
    app.post(path, async c => {
      const body = parse(await bodyOf(c));
      if (!body.ok) return respond(c, body);
      const memory = memoryOf(c);
      return respond(c, memory.ok ? await ask(memory.value, body.value) : memory);
    });
  };
  post('/v1/memory/search', parseMemorySearch, (memory, search) => memory.search(search));
  post('/v1/memory/episodes', parseMemoryDraft, (memory, draft) => memory.add(draft));
  post('/v1/memory/vote', parseVoteRequest, (memory, vote) => memory.vote(vote));
  post('/v1/memory/forget', parseForgetRequest, (memory, forget) => memory.forget(forget));
  post('/v1/memory/quarantine', parseQuarantineRequest, (memory, request) => memory.quarantine(request));
  post('/v1/memory/import', parseMemoryImport, (memory, request) => memory.import(request));
  const get = <T>(
    path: string,
    parse: (query: Record<string, string>) => Result<T, Failure>,
    ask: (memory: MemoryBackend, query: T, c: Context) => Promise<Result<object, Failure>>,
  ): void => {
    app.get(path, async c => {
      const query = parse(c.req.query());
      if (!query.ok) return respond(c, query);
      const memory = memoryOf(c);
      return respond(c, memory.ok ? await ask(memory.value, query.value, c) : memory);
    });
  };
  const anything = (): Result<null, Failure> => ({ok: true, value: null});
  get('/v1/memory/episodes', parseMemoryListQuery, async (memory, query) => {
    const listed = await memory.list(query);
    return listed.ok ? {ok: true, value: {memories: listed.value}} : listed;
  });
  get('/v1/memory/episodes/:id', anything, (memory, _, c) => memory.get(c.req.param('id') ?? ''));
  get('/v1/memory/export', parseMemoryExportQuery, (memory, query) => memory.export(query));
  get('/v1/memory/stats', anything, memory => memory.stats());
}
