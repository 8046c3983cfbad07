import {randomBytes} from 'node:crypto';
import {type Context, Hono} from 'hono';
import {bodyLimit} from 'hono/body-limit';
import {PROMETHEUS_TYPE} from '../base/prometheus.ts';
import type {Result} from '../base/result.ts';
import {type Failure, failureOf} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import type {TeamView} from '../model/team-view.ts';
import type {Answer, Backend} from './backend.ts';
import {AGENT_ORDERS, HEADERS, MAX_BODY_BYTES} from './contract.ts';
import {type ErrorBody, statusOf} from './error-body.ts';
import {addMemoryRoutes} from './memory-routes.ts';
import {checkPeer, headersOf, type OurSide} from './peer-check.ts';
import {
  parseAgentOrder,
  parseAttemptsQuery,
  parseExplainQuery,
  parseKillRequest,
  parseLogQuery,
  parseOutputQuery,
  parsePageQuery,
  parsePauseRequest,
  parseResumeRequest,
  parseRetryRequest,
  parseRunRequest,
  parseScaleRequest,
  parseSpawnRequest,
  parseStopRequest,
  parseTaskListQuery,
} from './schema.ts';

export interface RouteOptions {
  readonly backend: Backend;
  readonly us: OurSide;
  /** What is thrown by a handler is a bug: it is told here and answered with 500. */
  readonly onBug: (error: unknown) => void;
}

/** The HTTP routes of `contract.ts`: each parses, asks the backend once and answers JSON. */
export function createRoutes({backend, us, onBug}: RouteOptions): Hono {
  const app = new Hono();
  app.use(async (c, next) => {
    for (const [name, value] of Object.entries(headersOf(us))) c.header(name, value);
    const refusal = checkPeer(us, name => c.req.header(name));
    if (refusal) return refuse(c, refusal);
    return next();
  });
  app.use(bodyLimit({maxSize: MAX_BODY_BYTES, onError: c => refuse(c, tooLarge, 413)}));
  app.onError((error, c) => {
    onBug(error);
    return refuse(c, failureOf(error));
  });
  app.notFound(c => refuse(c, {reason: 'usage', message: `There is no ${c.req.method} ${c.req.path}.`}, 404));

  app.get('/metrics', c => c.body(backend.metrics(), 200, {'content-type': PROMETHEUS_TYPE}));
  app.get('/v1/daemon', c => c.json(backend.daemon()));
  app.post('/v1/daemon/stop', async c => {
    const body = parseStopRequest(await bodyOf(c));
    if (!body.ok) return refuse(c, body.failure);
    return answer(c, await backend.stop(body.value), teams => ({teams}));
  });
  app.get('/v1/daemon/logs', c => {
    const page = parsePageQuery(c.req.query());
    return page.ok ? c.json({v: 1, lines: backend.daemonLog(page.value.limit ?? 200)}) : refuse(c, page.failure);
  });
  app.post('/v1/teams', async c => {
    const body = parseSpawnRequest(await bodyOf(c));
    if (!body.ok) return refuse(c, body.failure);
    const trace = traceIdOf(c.req.header(HEADERS.trace) ?? body.value.traceparent);
    return answer(c, await backend.spawn(body.value, trace), team => ({team}));
  });
  app.get('/v1/teams', c => c.json({v: 1, teams: backend.teams()}));
  app.get('/v1/teams/:name', c => answer(c, backend.team(c.req.param('name')), view => view));
  app.post('/v1/teams/:name/kill', async c => {
    const body = parseKillRequest(await bodyOf(c));
    if (!body.ok) return refuse(c, body.failure);
    return answer(c, await backend.kill(c.req.param('name'), body.value.by), view => view);
  });
  app.post('/v1/teams/:name/scale', c => withBody(c, parseScaleRequest, (team, body) => backend.scale(team, body)));
  app.post('/v1/teams/:name/run', c => withBody(c, parseRunRequest, (team, body) => backend.run(team, body)));
  app.post('/v1/teams/:name/retry', c => withBody(c, parseRetryRequest, (team, body) => backend.retry(team, body)));
  app.post('/v1/teams/:name/pause', c => withBody(c, parsePauseRequest, (team, body) => backend.pause(team, body)));
  app.post('/v1/teams/:name/resume', c => withBody(c, parseResumeRequest, (team, body) => backend.resume(team, body)));
  app.get('/v1/teams/:name/agents', c => answer(c, backend.agents(c.req.param('name')), agents => ({agents})));
  for (const what of AGENT_ORDERS) {
    app.post(`/v1/teams/:name/agents/${what}`, c =>
      withBody(c, parseAgentOrder, (team, {agent}) => backend.order(team, {agent, what})),
    );
  }
  app.get('/v1/teams/:name/explain', c =>
    withQuery(c, parseExplainQuery, async asked =>
      answer(c, await backend.explain(c.req.param('name'), asked), view => view),
    ),
  );
  app.delete('/v1/teams/:name', async c => {
    const name = c.req.param('name');
    return answer(c, await backend.remove(name), () => ({team: name}));
  });
  app.get('/v1/teams/:name/tasks', c =>
    withQuery(c, parseTaskListQuery, asked => answer(c, backend.tasks(c.req.param('name'), asked), tasks => ({tasks}))),
  );
  app.get('/v1/teams/:name/tasks/attempts', c =>
    withQuery(c, parseAttemptsQuery, ({id}) =>
      answer(c, backend.attempts(c.req.param('name'), id), attempts => ({attempts})),
    ),
  );
  app.get('/v1/teams/:name/cost', c => answer(c, backend.cost(c.req.param('name')), view => view));
  app.get('/v1/teams/:name/log', c =>
    withQuery(c, parseLogQuery, async asked =>
      answer(c, await backend.log(c.req.param('name'), asked), part => ({
        ...part,
        data: Buffer.from(part.data).toString('base64'),
      })),
    ),
  );
  app.get('/v1/teams/:name/output', c =>
    withQuery(c, parseOutputQuery, async asked =>
      answer(c, await backend.output(c.req.param('name'), asked), part => ({
        ...part,
        data: Buffer.from(part.data).toString('base64'),
      })),
    ),
  );
  app.get('/v1/teams/:name/events', c =>
    withQuery(c, parsePageQuery, asked => answer(c, backend.events(c.req.param('name'), asked), events => ({events}))),
  );
  addMemoryRoutes(app, {backend, bodyOf, respond: (c, result) => answer(c, result, value => value)});
  return app;
}

const tooLarge: Failure = {
  reason: 'out-of-range',
  what: 'The request body',
  value: 'more',
  range: `at most ${MAX_BODY_BYTES / 1024 / 1024} MiB`,
};

/** An absent body counts as `{}`, so that `curl -X POST` works where nothing needs to be said. */
async function bodyOf(c: Context): Promise<unknown> {
  const text = await c.req.text();
  if (text === '') return {};
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

/** A change of the team in the path, as the body says; answered with how the team is then. */
async function withBody<T>(
  c: Context<object, '/v1/teams/:name/*'>,
  parse: (value: unknown) => Result<T, Failure>,
  change: (team: string, body: T) => Promise<Answer<TeamView>>,
): Promise<Response> {
  const body = parse(await bodyOf(c));
  if (!body.ok) return refuse(c, body.failure);
  return answer(c, await change(c.req.param('name'), body.value), view => view);
}

function withQuery<T>(
  c: Context,
  parse: (value: unknown) => Result<T, Failure>,
  respond: (value: T) => Response | Promise<Response>,
): Response | Promise<Response> {
  const parsed = parse(c.req.query());
  return parsed.ok ? respond(parsed.value) : refuse(c, parsed.failure);
}

function answer<T>(c: Context, result: Answer<T>, body: (value: T) => object): Response {
  return result.ok ? c.json({v: 1, ...body(result.value)}) : refuse(c, result.failure);
}

function refuse(c: Context, failure: Failure, status = statusOf(failure)): Response {
  const body: ErrorBody = {v: 1, error: failure, text: failureText(failure)};
  return c.json(body, status);
}

/** The trace id of a W3C `traceparent`, or a new one when there is none or it is malformed. */
function traceIdOf(traceparent: string | undefined): string {
  const given = /^[0-9a-f]{2}-([0-9a-f]{32})-[0-9a-f]{16}-[0-9a-f]{2}$/.exec(traceparent ?? '')?.[1];
  return given !== undefined && /[1-9a-f]/.test(given) ? given : randomBytes(16).toString('hex');
}
