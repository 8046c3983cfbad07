import {expect, test} from 'vitest';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import type {Episode, LogEntry} from '../../../src/model/episode.ts';
import {until} from '../../rig/until.ts';
import {episode, pushOf, type RawClient} from '../server/hub-rig.ts';
import {ServedHubRig} from './served-hub.ts';

const ROUNDS = 10;
const WRITERS = 4;
const BATCH = 5;

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

test(`${ROUNDS} times kill -9 under load: all that was acknowledged, nothing twice, no gap`, async () => {
  await using rig = new ServedHubRig();
  let served = await rig.serve();
  const tokens = await Promise.all(Array.from({length: WRITERS}, (_, index) => rig.token(`w${index}`)));
  /** Where each acknowledged episode stands. */
  const acknowledged = new Map<string, number>();
  /** Of each writer, what it has sent and is not sure of. */
  const open: Episode[][] = tokens.map(() => []);
  for (let round = 0; round <= ROUNDS; round += 1) {
    const clients = await Promise.all(tokens.map(token => rig.join(served.url, token)));
    const before = acknowledged.size;
    const target = before + 50 + Math.floor(Math.random() * 200);
    const {child} = served;
    const writing = clients.map(async (client, writer) => {
      while (child.exitCode === null && client.closed === null && acknowledged.size < target + 1000) {
        const sent = (open[writer] ??= []);
        while (sent.length < BATCH) sent.push(lesson(`w${writer}`));
        const pushed = await pushedOrGone(client, sent);
        if (pushed === null) return;
        for (const result of pushed) {
          if (!('position' in result)) throw new Error(JSON.stringify(result));
          acknowledged.set(result.id, result.position);
        }
        open[writer] = [];
      }
    });
    await until('enough was acknowledged', () => acknowledged.size >= target);
    if (round < ROUNDS) {
      child.kill('SIGKILL');
      await served.ended;
      await Promise.all(writing);
      served = await rig.serve();
    } else await Promise.all(writing);
  }
  const reader = await rig.join(served.url, await rig.token('reader'));
  const entries = await pullAll(reader);
  expect(entries.map(({position}) => position)).toEqual(entries.map((_, index) => index + 1));
  const ids = entries.map(entry => (entry.kind === 'episode' ? entry.episode.id : entry.change.id));
  expect(new Set(ids).size).toBe(ids.length);
  const lost = [...acknowledged].filter(([id, position]) => ids[position - 1] !== id);
  expect(lost).toEqual([]);
  served.child.kill('SIGINT');
  expect((await served.ended).code).toBe(0);
  const verified = await rig.json('verify');
  expect(verified).toMatchObject({report: {findings: [], entries: ids.length, episodes: ids.length}});
});

/** Null: the connection was lost before the answer came. */
async function pushedOrGone(client: RawClient, sent: readonly Episode[]) {
  const id = client.request(pushOf(...sent));
  const frame = await until('the push is answered, or the connection lost', () => {
    const found = client.frames.find(each => each.type === 'pushed' && each.id === id);
    return found ?? client.closed;
  });
  return 'type' in frame && frame.type === 'pushed' ? frame.results : null;
}
