import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {type EndpointSettings, openEndpointEmbedder} from '../../../src/hub/recall/endpoint-embedder.ts';
import {retryAfterMs} from '../../../src/hub/recall/post-json.ts';
import {EmbeddingsServer, json, vectors} from './embeddings-server.ts';

let server: EmbeddingsServer;
beforeEach(async () => {
  server = await EmbeddingsServer.open();
});
afterEach(async () => {
  await server[Symbol.asyncDispose]();
});

const KEY = 'sk-a-secret-key';
const ENV = {THE_KEY: KEY};

function settings(given: Partial<EndpointSettings> = {}): EndpointSettings {
  const backoff = {baseMs: 1, maxMs: 2};
  return {
    url: `${server.origin}/v1`,
    model: 'm',
    apiKeyEnv: 'THE_KEY',
    dimensions: 4,
    timeoutMs: 10_000,
    backoff,
    ...given,
  };
}

const open = (given: Partial<EndpointSettings> = {}) => openEndpointEmbedder(settings(given), ENV);

describe('an embeddings endpoint', () => {
  test('is asked in batches, with model and key, and answers in the order of the texts', async () => {
    const embedder = await open({batch: 3});
    const found = await embedder.embed(['a', 'bb', 'ccc', '', 'ee']);
    expect(found.map(vector => [...vector])).toEqual([
      [0, 1, 0, 0],
      [0, 0, 1, 0],
      [0, 0, 0, 1],
      [0, 1, 0, 0],
      [0, 0, 1, 0],
    ]);
    expect(server.asked.map(({path, model, input}) => [path, model, input])).toEqual([
      ['/v1/embeddings', 'm', ['a', 'bb', 'ccc']],
      ['/v1/embeddings', 'm', ['.', 'ee']],
    ]);
    expect(server.asked[0]?.headers.authorization).toBe(`Bearer ${KEY}`);
    expect(embedder.id).toBe(`endpoint:${server.origin}/v1/embeddings:m:4`);
    expect(await embedder.embed([])).toEqual([]);
  });

  test('may be named in full, need no key, and be asked for its dimensions', async () => {
    const url = `${server.origin}/api/embeddings/`;
    server.next.push(vectors(7));
    const embedder = await openEndpointEmbedder(settings({url, apiKeyEnv: null, dimensions: null}), {});
    expect(embedder.dimensions).toBe(7);
    expect(server.asked[0]?.path).toBe('/api/embeddings');
    expect(server.asked[0]?.headers.authorization).toBeUndefined();
  });

  test('is asked again after 429 and 5xx, and after a connection that broke', async () => {
    server.next.push(json(429, {}, {'retry-after': '0'}), json(503, {}), (_, response) => response.destroy());
    const embedder = await open();
    expect(await embedder.embed(['a'])).toHaveLength(1);
    expect(server.asked).toHaveLength(4);
  });

  test('is waited for as long as it says', async () => {
    server.next.push(json(429, {}, {'retry-after': '1'}));
    const embedder = await open();
    const before = performance.now();
    await embedder.embed(['a']);
    expect(performance.now() - before).toBeGreaterThanOrEqual(990);
  });

  test('is given up after so many tries, with what it said and without the key', async () => {
    for (let times = 0; times < 3; times += 1) server.next.push(json(500, {error: `no room for ${KEY}`}));
    const embedder = await open({tries: 3});
    const error: unknown = await embedder.embed(['a']).catch((reason: unknown) => reason);
    expect(String(error)).toBe(
      `Error: The embeddings endpoint ${server.origin} answered 500: {"error":"no room for …"}, in 3 tries.`,
    );
    expect(server.asked).toHaveLength(3);
  });

  test('that refuses is not asked again', async () => {
    server.next.push(json(401, {error: 'wrong key'}));
    const embedder = await open();
    await expect(embedder.embed(['a'])).rejects.toThrow(/answered 401: .*wrong key.* Check url, model and key/);
    expect(server.asked).toHaveLength(1);
  });

  test('that sends elsewhere is not followed: the key stays here', async () => {
    await using other = await EmbeddingsServer.open();
    server.next.push(json(307, {}, {location: `${other.origin}/v1/embeddings`}));
    const embedder = await open();
    await expect(embedder.embed(['a'])).rejects.toThrow(/answered 307/);
    expect(other.asked).toEqual([]);
  });

  test('that is silent is given up in time', async () => {
    server.next.push(
      () => undefined,
      () => undefined,
    );
    const embedder = await open({timeoutMs: 100, tries: 2});
    await expect(embedder.embed(['a'])).rejects.toThrow('did not answer within 100 ms, in 2 tries');
  });

  test('that begins to answer and stops is given up in time', async () => {
    server.next.push((_, response) => void response.writeHead(200).write('{"data":'));
    const embedder = await open({timeoutMs: 200, tries: 1});
    await expect(embedder.embed(['a'])).rejects.toThrow('did not answer within 200 ms');
  });

  test('that is not there is named', async () => {
    const embedder = await open({url: 'http://127.0.0.1:1', tries: 2});
    await expect(embedder.embed(['a'])).rejects.toThrow(/http:\/\/127\.0\.0\.1:1 could not be reached: .*, in 2 tries/);
  });

  test.each<[string, unknown]>([
    ['nothing', {}],
    ['too few', {data: []}],
    ['what is no vector', {data: [{index: 0, embedding: 'AAAA'}]}],
    ['numbers that are none', {data: [{index: 0, embedding: [1, null, 2, 3]}]}],
    ['a vector without length', {data: [{index: 0, embedding: [0, 0, 0, 0]}]}],
    ['one for another text', {data: [{index: 5, embedding: [1, 0, 0, 0]}]}],
  ])('that gives %s is an error', async (_what, body) => {
    server.next.push(json(200, body));
    const embedder = await open();
    await expect(embedder.embed(['a'])).rejects.toThrow('gave no usable vector for text 1 of 1');
  });

  test('that gives other dimensions is an error that says how to mend it', async () => {
    server.next.push(vectors(5));
    const embedder = await open();
    await expect(embedder.embed(['a'])).rejects.toThrow(
      /5 dimensions and not 4; set the dimensions of the embedder to 5/,
    );
  });

  test('that gives no JSON is an error', async () => {
    server.next.push((_, response) => response.end('<html>hello</html>'));
    const embedder = await open();
    await expect(embedder.embed(['a'])).rejects.toThrow('answered what is not JSON: <html>hello</html>');
  });

  test('closing ends what is under way and what waits', async () => {
    for (const answer of [() => undefined, json(429, {}, {'retry-after': '50'})]) {
      server.next.push(answer);
      const embedder = await open();
      const asked = server.asked.length;
      const call = embedder.embed(['a']);
      const rejected = expect(call).rejects.toThrow(`The embedder of ${server.origin} is closed.`);
      await expect.poll(() => server.asked.length).toBe(asked + 1);
      await embedder.close();
      await rejected;
      await expect(embedder.embed(['a'])).rejects.toThrow('is closed');
    }
  });
});

test.each<[Partial<EndpointSettings>, RegExp]>([
  [{url: 'ftp://example.com'}, /must begin with https/],
  [{url: 'nonsense'}, /The url of the embedder is "nonsense"/],
  [{url: 'http://embeddings.example.com/v1'}, /key over plain http to embeddings\.example\.com; use https/],
  [{apiKeyEnv: 'NOT_SET'}, /environment variable NOT_SET, which is not set/],
  [{batch: 0}, /batch of the embedder is 0/],
  [{tries: 0.5}, /tries of the embedder is 0.5/],
  [{timeoutMs: -1}, /timeoutMs of the embedder is -1/],
  [{dimensions: 0}, /dimensions of the embedder is 0/],
])('settings that cannot work are refused: %j', async (given, message) => {
  await expect(open(given)).rejects.toThrow(message);
});

test.each([
  [null, null],
  ['', null],
  ['3', 3000],
  ['0.5', 500],
  ['-4', 0],
  ['soon', null],
  ['Fri, 15 Jan 2027 08:00:30 GMT', 30_000],
  ['Fri, 15 Jan 2027 07:00:00 GMT', 0],
])('Retry-After %j is %j ms', (header, ms) => {
  expect(retryAfterMs(header, 1_800_000_000_000)).toBe(ms);
});
