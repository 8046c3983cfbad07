import {mkdtempSync, rmSync} from 'node:fs';
import {type Server, createServer} from 'node:http';
import {connect} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, describe, expect, test} from 'vitest';
import {acceptJsonSockets, jsonRoute} from '../../src/wire/accept-json-sockets.ts';
import {connectJsonSocket} from '../../src/wire/connect-json-socket.ts';
import type {Closed, JsonSocket} from '../../src/wire/json-socket.ts';
import {keepConnected} from '../../src/wire/reconnecting.ts';

type Numbers = JsonSocket<number, number>;

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function parseNumber(value: unknown): number {
  if (typeof value !== 'number') throw new Error('expected a number');
  return value;
}

/** A server whose `/numbers` answers each number with twice that number, on a socket path with a colon in it. */
async function serve({folder, deadAfterMs = 10_000, onSocket}: Partial<ServeOptions> = {}) {
  const parent = folder ?? mkdtempSync(join(tmpdir(), 'godel:wire-'));
  const socketPath = join(parent, 's.sock');
  const server: Server = createServer((_, response) => response.end('plain'));
  const sockets: Numbers[] = [];
  const accepting = acceptJsonSockets(server, {
    routes: {
      '/numbers': jsonRoute<number, number>(parseNumber, socket => {
        sockets.push(socket);
        onSocket?.(socket);
        socket.onMessage(message => socket.send(message * 2));
      }),
    },
    authorize: ({request}) => (request.headers['x-key'] === 'wrong' ? {status: 403, body: 'wrong key'} : null),
    deadAfterMs,
  });
  await new Promise<void>(resolve => server.listen(socketPath, resolve));
  const stop = () => {
    accepting.close();
    return new Promise(resolve => server.close(resolve));
  };
  undo.push(() => rmSync(parent, {recursive: true, force: true}), stop);
  return {socketPath, sockets, stop, folder: parent};
}
interface ServeOptions {
  folder: string;
  deadAfterMs: number;
  onSocket: (socket: Numbers) => void;
}

function open(socketPath: string, {path = '/numbers', headers = {}, deadAfterMs = 10_000} = {}) {
  return connectJsonSocket<unknown, number>({socketPath, path, headers, deadAfterMs, parse: parseNumber});
}

async function opened(socketPath: string) {
  const result = await open(socketPath);
  if (!result.ok) throw new Error(JSON.stringify(result.failure));
  undo.push(() => result.value.close());
  return result.value;
}

const next = (socket: JsonSocket<unknown, number>) =>
  new Promise<number>(resolve => {
    const stop = socket.onMessage(message => {
      stop();
      resolve(message);
    });
  });
const closed = (socket: JsonSocket<unknown, number>) => new Promise<Closed>(resolve => socket.onClose(resolve));

describe('JsonSocket', () => {
  test('carries messages both ways', async () => {
    const {socketPath} = await serve();
    const socket = await opened(socketPath);
    socket.send(21);
    expect(await next(socket)).toBe(42);
  });

  test('keeps what was sent before anybody listened', async () => {
    const {socketPath} = await serve({onSocket: socket => socket.send(7)});
    const socket = await opened(socketPath);
    await new Promise(resolve => setImmediate(resolve));
    expect(await next(socket)).toBe(7);
  });

  test('a message that does not parse closes that connection only', async () => {
    const {socketPath} = await serve();
    const [bad, good] = [await opened(socketPath), await opened(socketPath)];
    bad.onMessage(() => undefined);
    bad.send('not a number');
    expect(await closed(bad)).toEqual({code: 1008, detail: 'expected a number'});
    good.send(1);
    expect(await next(good)).toBe(2);
  });

  test('a listener that throws closes that connection only', async () => {
    const {socketPath, sockets} = await serve({
      onSocket: socket =>
        socket.onMessage(() => {
          throw new Error('x'.repeat(119) + 'ééé');
        }),
    });
    const socket = await opened(socketPath);
    socket.onMessage(() => undefined);
    socket.send(1);
    expect((await closed(socket)).code).toBe(1008);
    expect(sockets[0]!.isOpen).toBe(false);
  });

  test('says why nobody can be reached', async () => {
    const {socketPath, stop} = await serve();
    expect(await open(socketPath, {path: '/elsewhere'})).toMatchObject({failure: {kind: 'refused', status: 404}});
    expect(await open(socketPath, {headers: {'x-key': 'wrong'}})).toEqual({
      ok: false,
      failure: {kind: 'refused', status: 403, detail: 'wrong key'},
    });
    await stop();
    expect(await open(socketPath)).toMatchObject({failure: {kind: 'no-listener', code: 'ENOENT'}});
  });

  test('a peer that does not answer is cut off, one that answers is not', async () => {
    const {socketPath, sockets} = await serve({deadAfterMs: 60});
    const raw = connect(socketPath);
    undo.push(() => raw.destroy());
    raw.write(
      'GET /numbers HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n' +
        'Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n',
    );
    raw.resume();
    const good = await opened(socketPath);
    good.onMessage(() => undefined);
    await new Promise(resolve => raw.once('close', resolve));
    expect(good.isOpen).toBe(true);
    expect(sockets).toHaveLength(2);
  });
});

test('keepConnected connects again until told to stop', async () => {
  const first = await serve();
  const abort = new AbortController();
  const downs: string[] = [];
  let connections = 0;
  const done = keepConnected<number, number>({
    connect: signal =>
      connectJsonSocket({
        socketPath: first.socketPath,
        path: '/numbers',
        parse: parseNumber,
        deadAfterMs: 5000,
        signal,
      }),
    onOpen: socket => {
      connections += 1;
      socket.onMessage(() => undefined);
      if (connections === 1) void first.stop().then(() => serve({folder: first.folder}));
      else abort.abort();
    },
    onDown: down => {
      downs.push(down.kind);
      return 'again';
    },
    backoff: {baseMs: 5, maxMs: 20},
    random: Math.random,
    signal: abort.signal,
  });
  await done;
  expect(connections).toBe(2);
  expect(downs[0]).toBe('closed');
});

test('keepConnected connects as soon as what it was told to wait for is there', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel:wire-'));
  undo.push(() => rmSync(folder, {recursive: true, force: true}));
  const abort = new AbortController();
  let downs = 0;
  await keepConnected<number, number>({
    connect: signal =>
      connectJsonSocket({
        socketPath: join(folder, 's.sock'),
        path: '/numbers',
        parse: parseNumber,
        deadAfterMs: 5000,
        signal,
      }),
    onOpen: () => abort.abort(),
    onDown: () => {
      downs += 1;
      return {againAfter: serve({folder})};
    },
    // Longer than any test may take.
    backoff: {baseMs: 3_600_000, maxMs: 3_600_000},
    random: Math.random,
    signal: abort.signal,
  });
  expect(downs).toBe(1);
});
