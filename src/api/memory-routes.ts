import type {Context, Hono} from 'hono';
import type {Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {Backend} from './backend.ts';
import type {MemoryBackend} from './memory-backend.ts';
import {
  parseForgetRequest,
  parseMemoryDraft,
  parseMemoryExportQuery,
  parseMemoryImport,
  parseMemoryListQuery,
  parseMemorySearch,
  parseQuarantineRequest,
  parseVoteRequest,
} from './memory-schema.ts';

export interface MemoryRoutesParts {
  readonly backend: Pick<Backend, 'memory'>;
  readonly bodyOf: (c: Context) => Promise<unknown>;
  readonly respond: (c: Context, answer: Result<object, Failure>) => Response;
}

/** The routes under `/v1/memory`: each parses, asks once and answers JSON. */
export function addMemoryRoutes(app: Hono, {backend, bodyOf, respond}: MemoryRoutesParts): void {
  const post = <T>(
    path: string,
    parse: (value: unknown) => Result<T, Failure>,
    ask: (memory: MemoryBackend, body: T) => Promise<Result<object, Failure>>,
  ): void => {
    app.post(path, async c => {
      const body = parse(await bodyOf(c));
      return respond(c, body.ok ? await ask(backend.memory, body.value) : body);
    });
  };
  post('/v1/memory/search', parseMemorySearch, (memory, search) => memory.search(search));
  post('/v1/memory/episodes', parseMemoryDraft, (memory, draft) => memory.add(draft));
  post('/v1/memory/vote', parseVoteRequest, (memory, vote) => memory.vote(vote));
  post('/v1/memory/forget', parseForgetRequest, (memory, forget) => memory.forget(forget));
  post('/v1/memory/quarantine', parseQuarantineRequest, (memory, request) => memory.quarantine(request));
  post('/v1/memory/import', parseMemoryImport, (memory, request) => memory.import(request));
  app.get('/v1/memory/episodes', async c => {
    const query = parseMemoryListQuery(c.req.query());
    if (!query.ok) return respond(c, query);
    const listed = await backend.memory.list(query.value);
    return respond(c, listed.ok ? {ok: true, value: {memories: listed.value}} : listed);
  });
  app.get('/v1/memory/episodes/:id', async c => respond(c, await backend.memory.get(c.req.param('id'))));
  app.get('/v1/memory/export', async c => {
    const query = parseMemoryExportQuery(c.req.query());
    return respond(c, query.ok ? await backend.memory.export(query.value) : query);
  });
  app.get('/v1/memory/stats', async c => respond(c, await backend.memory.stats()));
}
