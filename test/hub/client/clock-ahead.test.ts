import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {ok} from '../../../src/base/result.ts';
import {FederationHub} from '../../../src/hub/client/federation-hub.ts';
import {Vetting} from '../../../src/hub/server/parts/vetting.ts';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import type {LogItem} from '../../../src/model/episode.ts';
import {episode, startHub} from '../server/hub-rig.ts';

const HOUR_MS = 3_600_000;

/** A hub whose wall clock is wrong by `wrongMs`, and what it was asked to take. */
async function startWrongHub(wrongMs: number) {
  const clock = {wrongMs};
  const vetted: LogItem[] = [];
  const vetting = new Vetting({
    credentials: {keys: () => []},
    observe: () => ok(undefined),
    wallMs: () => Date.now() + clock.wrongMs,
    log: {id: 'log', head: () => 0},
    requireSignatures: false,
  });
  const rig = await startHub({
    vet: (identity, item) => {
      vetted.push(item);
      return vetting.vet(identity, item);
    },
  });
  return {rig, clock, vetted, [Symbol.asyncDispose]: () => rig[Symbol.asyncDispose]()};
}

test('a hub whose clock is behind ours gets later what it does not take now, and gives what it has', async () => {
  await using hub = await startWrongHub(-2 * HOUR_MS);
  const {rig} = hub;
  const stamp = formatStamp({ms: Date.now() - 3 * HOUR_MS, counter: 0, node: 'n'});
  rig.store.append('t1', [{kind: 'episode', episode: episode('bob', {at: stamp})}]);
  rig.store.flush();
  const ann = new FederationHub({
    agentId: 'ann',
    tenantId: 't1',
    endpoint: rig.url,
    token: () => rig.desk.issue('ann'),
  });
  try {
    const id = await ann.db.storeEpisode({task: 'lesson one', reward: 1});
    await ann.db.storeEpisode({task: 'lesson two', reward: 1});
    await ann.db.vote(id, 1);
    await expect(ann.sync()).rejects.toMatchObject({
      code: 'unavailable',
      message: expect.stringMatching(/ms ahead of the clock here.*Set the clock/),
      retryAfterMs: expect.toSatisfy((ms: number) => ms > HOUR_MS && ms <= 2 * HOUR_MS),
    });
    expect(ann.getSyncStats()).toMatchObject({pending: 3, refused: [], pulled: 1, position: 1, episodes: 3});
    // It is not told over and over.
    const asked = hub.vetted.length;
    await ann.syncQuietly();
    expect(hub.vetted.length).toBe(asked);
    await ann.db.storeEpisode({task: 'lesson three', reward: 1});
    await ann.syncQuietly();
    expect(hub.vetted.length).toBe(asked + 1);
    hub.clock.wrongMs = 0;
    await ann.sync();
    expect(ann.getSyncStats()).toMatchObject({pending: 0, refused: [], pushed: 4, position: 5, lastError: null});
    expect(rig.store.head('t1')).toBe(5);
  } finally {
    await ann.close();
  }
});

test('what was stamped by a clock that was ahead does not keep from the hub what comes after it', async () => {
  await using hub = await startWrongHub(0);
  const {rig} = hub;
  const folder = mkdtempSync(join(tmpdir(), 'godel-ahead-'));
  const client = (wallMs: () => number) =>
    new FederationHub({
      agentId: 'ann',
      tenantId: 't1',
      endpoint: rig.url,
      token: () => rig.desk.issue('ann'),
      memoryPath: join(folder, 'memory.db'),
      wallMs,
    });
  try {
    const wrong = client(() => Date.now() + HOUR_MS);
    const id = await wrong.db.storeEpisode({task: 'from the future', reward: 1});
    await wrong.close();
    await using ann = client(Date.now);
    await ann.db.vote(id, 1);
    await ann.db.storeEpisode({task: 'from now', reward: 1});
    await expect(ann.sync()).rejects.toMatchObject({code: 'unavailable'});
    expect(rig.store.episodes('t1')).toBe(1);
    // The vote waits for its episode.
    expect(ann.getSyncStats()).toMatchObject({pending: 2, refused: []});
    hub.clock.wrongMs = HOUR_MS;
    await ann.sync();
    expect(ann.getSyncStats()).toMatchObject({pending: 0, refused: []});
    expect(rig.store.head('t1')).toBe(3);
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
});

test('a stamp that is only a little too far ahead is waited for', async () => {
  await using hub = await startWrongHub(-60_200);
  const {rig} = hub;
  await using ann = new FederationHub({
    agentId: 'ann',
    tenantId: 't1',
    endpoint: rig.url,
    token: () => rig.desk.issue('ann'),
  });
  await ann.db.storeEpisode({task: 'lesson', reward: 1});
  await ann.sync();
  expect(ann.getSyncStats()).toMatchObject({pending: 0, pushed: 1});
});
