import {expect, test} from 'vitest';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import type {Episode, LogEntry} from '../../../src/model/episode.ts';
import {canMount, hubDiskFull} from '../../chaos/hub-disk-full.ts';
import {hubSiege} from '../../chaos/hub-siege.ts';
import {episode, pushOf, type RawClient} from '../server/hub-rig.ts';
import {ServedHubRig} from './served-hub.ts';

const KILLS = 10;

function lesson(agentId: string): Episode {
  return episode(agentId, {at: formatStamp({ms: Date.now(), counter: 0, node: agentId})});
}

async function pullAll(client: RawClient): Promise<readonly LogEntry[]> {
  const all: LogEntry[] = [];
  for (;;) {
    const {entries, more} = await client.ask('entries', {type: 'pull', since: all.at(-1)?.position ?? 0, limit: 1000});
    all.push(...entries);
    if (!more) return all;
  }
}

test('what a hub has acknowledged is there after kill -9, served again', async () => {
  await using rig = new ServedHubRig();
  const first = await rig.serve();
  const token = await rig.token('a1');
  const client = await rig.join(first.url, token);
  const known = lesson('a1');
  const {results} = await client.ask('pushed', pushOf(known));
  const away = await rig.join(first.url, await rig.token('b1'));
  away.webSocket.close();
  await away.end();
  const said = {id: 'm1', to: 'b1', topic: null, body: 'later', correlationId: null} as const;
  await client.ask('ok', {type: 'message', message: {...said, kind: 'message', priority: 'high'}});
  first.child.kill('SIGKILL');
  await first.ended;
  const second = await rig.serve();
  const again = await rig.join(second.url, token);
  expect(await pullAll(again)).toEqual([{kind: 'episode', episode: known, position: 1}]);
  expect((await again.ask('pushed', pushOf(known))).results).toEqual(results);
  const {memories} = await again.ask('recalled', {type: 'recall', query: 'make tests pass', k: 3});
  expect(memories[0]?.episode).toEqual(known);
  const back = await rig.join(second.url, await rig.token('b1'));
  expect((await back.next('message')).message).toMatchObject({id: 'm1', from: 'a1', body: 'later'});
});

test(`${KILLS} times kill -9 under load: all that was acknowledged, nothing twice, no gap, and clients go on`, async () => {
  const {kills, acknowledged, entries, resumed} = await hubSiege({kills: KILLS, seed: Date.now() % 2 ** 31});
  expect(kills).toBe(KILLS);
  expect(entries).toBeGreaterThanOrEqual(acknowledged);
  expect(resumed).toBeGreaterThan(0);
});

test.skipIf(!canMount())(
  'a full disk refuses pushes so that they can be tried again, and reading goes on',
  async () => {
    const {before, refused, read, after} = await hubDiskFull();
    expect(Math.min(before, refused, read, after)).toBeGreaterThan(0);
  },
);
