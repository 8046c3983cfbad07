import {mkdtempSync, rmSync} from 'node:fs';
import {createServer, type Server} from 'node:http';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {ApiClient} from '../../src/api/client.ts';
import {Rig} from '../rig/rig.ts';

/** A socket whose first connection breaks as if the daemon had died with it, and whose next ones are answered. */
async function dying(): Promise<{socket: string; paths: string[]; bodies: string[]; server: Server; folder: string}> {
  const folder = mkdtempSync(join(tmpdir(), 'godel-repeat-'));
  const socket = join(folder, 's.sock');
  const paths: string[] = [];
  const bodies: string[] = [];
  const server = createServer((request, answer) => {
    paths.push(`${request.method ?? ''} ${request.url ?? ''}`);
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      bodies.push(body);
      if (paths.length === 1) request.socket.destroy();
      else answer.end(JSON.stringify({v: 1, teams: [], team: {}}));
    });
  });
  await new Promise<void>(resolve => server.listen(socket, resolve));
  return {socket, paths, bodies, server, folder};
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

test('a spawn is sent again with the same key, which tells that it is the same', async () => {
  const {socket, bodies, server, folder} = await dying();
  expect(await clientOf(socket).spawn({count: 1, cwd: '/', umask: 0, env: {}})).toMatchObject({ok: true});
  const keys = bodies.map(body => (JSON.parse(body) as {key: string}).key);
  expect(keys).toHaveLength(2);
  expect(keys[0]).toBe(keys[1]);
  server.close();
  rmSync(folder, {recursive: true});
});

test('a request that changes something is not sent twice: it may have been carried out', async () => {
  const {socket, paths, server, folder} = await dying();
  expect(await clientOf(socket).remove('a')).toMatchObject({ok: false, failure: {reason: 'daemon-unreachable'}});
  expect(paths).toEqual(['DELETE /v1/teams/a']);
  server.close();
  rmSync(folder, {recursive: true});
});

test('one key makes one team: at once, later, and at the next daemon', async () => {
  await using rig = await Rig.create();
  const request = {count: 1, cwd: rig.folder, umask: 0o022, env: rig.env, key: 'my-request'};
  const client = rig.client();
  const answers = await Promise.all([client.spawn(request), client.spawn(request)]);
  process.kill(rig.daemonPid()!, 'SIGKILL');
  const all = [...answers, await client.spawn(request), await client.spawn({...request, key: 'another'})];
  expect(all.map(answer => answer.ok && answer.value.team)).toEqual(['team', 'team', 'team', 'team-2']);
});
