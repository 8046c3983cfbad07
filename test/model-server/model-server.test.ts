import {describe, expect, it, onTestFinished} from 'vitest';
import {until} from '../rig/until.ts';
import {fieldsOf, listOf, textOf} from './conversation.ts';
import {FAULT_KINDS} from './fault.ts';
import {ModelServer, type ModelServerOptions} from './model-server.ts';

async function serve(options: ModelServerOptions = {}): Promise<ModelServer> {
  const server = await ModelServer.start(options);
  onTestFinished(() => server.close());
  return server;
}

interface Client {
  readonly path: string;
  body(prompt: string, stream: boolean): unknown;
}

const SCHEMA = {type: 'object', properties: {path: {type: 'string'}, content: {type: 'string'}}, required: ['path']};

const CLIENTS = {
  anthropic: {
    path: '/v1/messages?beta=true',
    body: (prompt, stream) => ({
      model: 'claude-haiku-4-5',
      stream,
      messages: [{role: 'user', content: [{type: 'text', text: prompt, cache_control: {type: 'ephemeral'}}]}],
      tools: [{name: 'write', input_schema: SCHEMA}],
    }),
  },
  chat: {
    path: '/v1/chat/completions',
    body: (prompt, stream) => ({
      model: 'gpt-5-mini',
      stream,
      messages: [{role: 'user', content: prompt}],
      tools: [{type: 'function', function: {name: 'write', parameters: SCHEMA}}],
    }),
  },
  responses: {
    path: '/v1/responses',
    body: (prompt, stream) => ({
      model: 'gpt-5-mini',
      stream,
      input: [{type: 'message', role: 'user', content: [{type: 'input_text', text: prompt}]}],
      tools: [{type: 'function', name: 'write', parameters: SCHEMA}],
    }),
  },
  gemini: {
    path: '/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse',
    body: prompt => ({
      contents: [{role: 'user', parts: [{text: prompt}]}],
      tools: [{functionDeclarations: [{name: 'write', parametersJsonSchema: SCHEMA}]}],
    }),
  },
} as const satisfies Record<string, Client>;

type Api = keyof typeof CLIENTS;

interface Asking {
  readonly api?: Api;
  readonly stream?: boolean;
  readonly signal?: AbortSignal;
}

function ask(
  server: ModelServer,
  prompt: string,
  {api = 'anthropic', stream = true, signal}: Asking = {},
): Promise<Response> {
  const {path, body} = CLIENTS[api];
  return fetch(`${server.url}${path}`, {
    method: 'POST',
    body: JSON.stringify(body(prompt, stream)),
    ...(signal === undefined ? {} : {signal}),
  });
}

/** The events of a stream that are JSON. */
async function eventsOf(response: Response): Promise<unknown[]> {
  const lines = (await response.text()).split('\n').filter(line => line.startsWith('data: {'));
  return lines.map(line => JSON.parse(line.slice(6)) as unknown);
}

describe.each(Object.keys(CLIENTS) as Api[])('%s', api => {
  it('answers an order to edit with a call of the tool that is offered', async () => {
    const server = await serve();
    const text = await (await ask(server, '[task:a] please\nEDIT src/a.txt: one\\ntwo', {api})).text();
    expect(text).toContain('write');
    expect(text.replaceAll('\\', '')).toMatch(/"content":"onentwon"/);
    expect(server.ledger.bill('a')).toMatchObject({requests: 1, answered: 1, statuses: {200: 1}});
  });

  it('tells the client what it bills', async () => {
    const server = await serve({prices: {'gpt-5-mini': {input: 2, output: 8, cacheRead: 1, cacheWrite: 0}}});
    const events = await eventsOf(await ask(server, 'ANSWER forty-two', {api}));
    const {input, output, cacheRead, cacheWrite} = server.ledger.bill().tokens;
    expect(JSON.stringify(events)).toContain('forty-two');
    const told = new Set(
      JSON.stringify(events)
        .match(/(?<=[tT]oken(s|Count|_count)":)\d+/g)
        ?.map(Number),
    );
    expect([...told]).toEqual(expect.arrayContaining([api === 'anthropic' ? cacheWrite : input + cacheRead, output]));
    expect(server.ledger.bill().usd).toBeGreaterThan(0);
  });

  it.each(['throttled', 'overloaded', 'unavailable', 'quota', 'unauthorized', 'too-long'])(
    'words %s in its own way and goes on afterwards',
    async kind => {
      const server = await serve();
      const refused = await ask(server, `FAULT ${kind} 1 7\nANSWER yes`, {api});
      expect(refused.status).toBeGreaterThanOrEqual(400);
      expect(refused.headers.get('retry-after')).toBe('7');
      expect(textOf(fieldsOf(fieldsOf(await refused.json())['error'])['message'])).not.toBe('');
      expect((await ask(server, `FAULT ${kind} 1 7\nANSWER yes`, {api})).status).toBe(200);
    },
  );

  it('leaves an answer that breaks off without its end', async () => {
    const server = await serve({faults: () => ({kind: 'cut'})});
    await expect(ask(server, 'ANSWER yes', {api}).then(response => response.text())).rejects.toThrow();
    expect(server.ledger.bill()).toMatchObject({requests: 1, answered: 0, faults: {cut: 1}});
  });
});

it.each(['anthropic', 'chat', 'responses'] as const)('%s answers in one piece when no stream is wanted', async api => {
  const server = await serve();
  const answer = await (await ask(server, 'ANSWER yes', {api, stream: false})).json();
  expect(JSON.stringify(answer)).toContain('yes');
  expect(server.ledger.bill().answered).toBe(1);
});

it('keeps an answer hanging until it is released', async () => {
  const server = await serve();
  const hung = ask(server, 'FAULT hang\nANSWER yes').then(response => response.text());
  hung.catch(() => undefined);
  await until('the answer hangs', () => server.hanging === 1);
  server.releaseHanging();
  await expect(hung).rejects.toThrow();
  expect(server.hanging).toBe(0);
});

it('forgets an answer that hangs when its client has gone', async () => {
  const server = await serve();
  const gone = new AbortController();
  const hung = ask(server, 'FAULT hang\nANSWER yes', {signal: gone.signal}).then(response => response.text());
  hung.catch(() => undefined);
  await until('the answer hangs', () => server.hanging === 1);
  gone.abort();
  await until('it is let go', () => server.hanging === 0);
  await until('its request has ended', () => server.ledger.concurrency === 0);
});

it('refuses what is more than the throttle lets through at a time', async () => {
  const server = await serve({throttle: {concurrent: 2, retryAfter: 3}, latencyMs: 200});
  const answers = await Promise.all([1, 2, 3, 4, 5].map(() => ask(server, 'ANSWER yes')));
  expect(answers.map(({status}) => status).sort((a, b) => a - b)).toEqual([200, 200, 429, 429, 429]);
  expect(answers.find(({status}) => status === 429)?.headers.get('retry-after')).toBe('3');
  expect(server.ledger.peakConcurrency).toBe(2);
  expect(server.ledger.bill()).toMatchObject({requests: 5, faults: {throttle: 3}});
});

it('gives the same requests the same faults, whatever their order', async () => {
  const faults = {rate: 0.3, seed: 7, of: [{kind: 'overloaded'}, {kind: 'throttled'}]} as const;
  const tasks = Array.from({length: 40}, (_, index) => `t${index}`);
  const bills = await Promise.all(
    [tasks, tasks.toReversed()].map(async order => {
      const server = await serve({faults});
      for (const task of order) await ask(server, `[task:${task}]\nANSWER yes`);
      return tasks.map(task => server.ledger.bill(task).statuses);
    }),
  );
  expect(bills[0]).toEqual(bills[1]);
  const failed = (bills[0] ?? []).filter(statuses => !('200' in statuses)).length;
  expect(failed).toBeGreaterThan(4);
  expect(failed).toBeLessThan(24);
});

it('calls a tool wrongly once and then makes the call that it meant', async () => {
  const server = await serve();
  const prompt = 'FAULT wrong-tool\nEDIT a.txt: new';
  const first = listOf(fieldsOf(await (await ask(server, prompt, {stream: false})).json())['content']);
  expect(fieldsOf(first[0])['input']).toEqual({no_such_argument: 'fault'});
  const next = await fetch(`${server.url}/v1/messages`, {
    method: 'POST',
    body: JSON.stringify({
      ...CLIENTS.anthropic.body(prompt, false),
      messages: [
        {role: 'user', content: prompt},
        {role: 'assistant', content: first},
        {role: 'user', content: [{type: 'tool_result', tool_use_id: 'x', is_error: true, content: 'no such argument'}]},
      ],
    }),
  });
  expect(fieldsOf(listOf(fieldsOf(await next.json())['content'])[0])['input']).toEqual({
    path: 'a.txt',
    content: 'new\n',
  });
});

it('bills what a conversation sends again at the price of the cache', async () => {
  const server = await serve();
  const prompt = `[task:a] ${'x'.repeat(4000)}\nANSWER yes`;
  await (await ask(server, prompt)).text();
  await (await ask(server, prompt)).text();
  const [first, second] = server.ledger.charges;
  expect(first?.tokens).toMatchObject({cacheRead: 0});
  expect(second?.tokens.cacheRead).toBeGreaterThan(1000);
  expect(second?.usd).toBeLessThan((first?.usd ?? 0) / 5);
});

it('says which faults there are when a prompt orders another', async () => {
  const server = await serve();
  const response = await ask(server, 'FAULT sulk').catch((error: unknown) => error);
  expect(response).toMatchObject({status: 500});
  expect(JSON.stringify(await (response as Response).json())).toContain(FAULT_KINDS[0]);
});

it('tells its ledger to whoever asks', async () => {
  const server = await serve();
  await (await ask(server, '[task:a]\nANSWER yes')).text();
  expect(await (await fetch(`${server.url}/ledger`)).json()).toMatchObject({
    peakConcurrency: 1,
    byTask: {a: {requests: 1}},
  });
});
