import {mkdtempSync, rmSync} from 'node:fs';
import {createServer, type Server} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {ApiClient} from '../../src/api/client.ts';

/** A socket whose first connection breaks as if the daemon had died with it, and whose next ones are answered. */
async function dying(): Promise<{socket: string; paths: string[]; server: Server; folder: string}> {
  const folder = mkdtempSync(join(tmpdir(), 'godel-repeat-'));
  const socket = join(folder, 's.sock');
  const paths: string[] = [];
  const server = createServer((request, answer) => {
    paths.push(`${request.method ?? ''} ${request.url ?? ''}`);
    if (paths.length === 1) request.socket.destroy();
    else answer.end(JSON.stringify({v: 1, teams: []}));
  });
  await new Promise<void>(resolve => server.listen(socket, resolve));
  return {socket, paths, server, folder};
}

function clientOf(socket: string): ApiClient {
  return new ApiClient({
    socket,
    projectId: 'p',
    version: '1',
    start: () => Promise.resolve({ok: true, value: undefined}),
  });
}

test('a question that the daemon took with it is asked again', async () => {
  const {socket, paths, server, folder} = await dying();
  expect(await clientOf(socket).teams()).toEqual({ok: true, value: []});
  expect(paths).toEqual(['GET /v1/teams', 'GET /v1/teams']);
  server.close();
  rmSync(folder, {recursive: true});
});

test('a request that changes something is not sent twice: it may have been carried out', async () => {
  const {socket, paths, server, folder} = await dying();
  const spawned = await clientOf(socket).spawn({count: 1, cwd: '/', umask: 0, env: {}});
  expect(spawned).toMatchObject({ok: false, failure: {reason: 'daemon-unreachable'}});
  expect(paths).toEqual(['POST /v1/teams']);
  server.close();
  rmSync(folder, {recursive: true});
});
