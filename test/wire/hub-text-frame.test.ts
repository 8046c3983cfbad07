import {once} from 'node:events';
import {createServer} from 'node:http';
import type {AddressInfo} from 'node:net';
import {afterEach, expect, test} from 'vitest';
import {WebSocket} from 'ws';
import {acceptHubSockets} from '../../src/wire/accept-hub-sockets.ts';
import {frameText, frameTexts} from '../../src/wire/hub-text-frame.ts';
import type {HubSocket} from '../../src/wire/hub-socket.ts';
import {until} from '../rig/until.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

async function serve({deadAfterMs = 10_000} = {}) {
  const server = createServer();
  const sockets: HubSocket[] = [];
  const accepting = acceptHubSockets(server, {
    path: '/hub',
    helloBytes: 1000,
    deadAfterMs,
    refuse: request => (request.headers['x-no'] ? {status: 503, body: 'no', retryAfterS: 2} : null),
    open: socket => sockets.push(socket),
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  undo.push(() => {
    accepting.close();
    return new Promise(resolve => server.close(resolve));
  });
  // It listens on a port.
  const {port} = server.address() as AddressInfo;
  return {url: `ws://127.0.0.1:${port}/hub`, sockets};
}

async function connect(url: string) {
  const client = new WebSocket(url);
  const texts: string[] = [];
  client.on('message', data => {
    // Text only.
    texts.push((data as Buffer).toString());
  });
  await once(client, 'open');
  undo.push(() => client.terminate());
  return {client, texts};
}

test.each([0, 1, 125, 126, 127, 65_535, 65_536, 200_000])(
  'a frame of %i characters is read by a WebSocket',
  async length => {
    const {url, sockets} = await serve();
    const {texts} = await connect(url);
    const socket = await until('the hub has it', () => sockets[0]);
    const told = 'x'.repeat(length);
    socket.sendFramed(frameTexts([told, 'ä€😀', 'last']));
    socket.sendFramed(frameText('more'));
    await until('all came', () => texts.length === 4);
    expect(texts).toEqual([told, 'ä€😀', 'last', 'more']);
  },
);

test('what comes while it is paused is told after, in order, and not twice', async () => {
  const {url, sockets} = await serve();
  const {client} = await connect(url);
  const socket = await until('the hub has it', () => sockets[0]);
  const told: string[] = [];
  for (const text of ['1', '2', '3', '4']) client.send(text);
  socket.listen({
    received: () => undefined,
    text: text => {
      told.push(text);
      if (text === '2' || text === '3') socket.pause();
    },
    violation: () => undefined,
    drain: () => undefined,
  });
  await until('two were told', () => told.length === 2);
  socket.resume();
  await until('the third was told', () => told.length === 3);
  socket.resume();
  await until('all were told', () => told.length === 4);
  expect(told).toEqual(['1', '2', '3', '4']);
});

test('before it is admitted a peer may send little, in however many frames', async () => {
  const {url, sockets} = await serve();
  const {client} = await connect(url);
  const socket = await until('the hub has it', () => sockets[0]);
  const seen: string[] = [];
  socket.listen({
    received: () => undefined,
    text: text => seen.push(text),
    violation: kind => seen.push(kind),
    drain: () => undefined,
  });
  for (let index = 0; index < 200; index += 1) client.ping('x'.repeat(50));
  await until('it is too much', () => seen.length > 0);
  expect(seen).toEqual(['too-large']);
});

test('an upgrade is refused with why and when to come again', async () => {
  const {url} = await serve();
  const client = new WebSocket(url, {headers: {'x-no': '1'}});
  // The types of `ws` do not say what comes with this event.
  const [, response] = (await once(client, 'unexpected-response')) as [
    unknown,
    {statusCode: number; headers: Record<string, string>},
  ];
  expect(response).toMatchObject({statusCode: 503, headers: {'retry-after': '2'}});
  client.on('error', () => undefined);
  client.terminate();
});
