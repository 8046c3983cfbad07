import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {Alarms} from '../../../src/hub/client/alarms.ts';
import {EphemeralAgent, type EphemeralAgentOptions} from '../../../src/hub/client/ephemeral-agent.ts';
import {InProcessHub} from '../../../src/hub/client/in-process-hub.ts';
import {openCache} from '../../../src/hub/client/store/open-cache.ts';
import {until} from '../../rig/until.ts';
import {type HubRig, startHub} from '../server/hub-rig.ts';

const CHILD = fileURLToPath(new URL('./storing-child.ts', import.meta.url));

let folder: string;
const agents = new Set<EphemeralAgent>();

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-agent-'));
});

afterEach(async () => {
  await Promise.all([...agents].map(agent => agent.destroy()));
  agents.clear();
  rmSync(folder, {recursive: true, force: true});
});

async function spawnAgent(options: Partial<EphemeralAgentOptions> = {}): Promise<EphemeralAgent> {
  const agent = await EphemeralAgent.spawn({tenantId: 't1', ...options});
  agents.add(agent);
  return agent;
}

const connected = (rig: HubRig, agentId: string) => ({
  agentId,
  hubEndpoint: rig.url,
  token: () => rig.desk.issue(agentId),
});

test('without a hub an agent remembers for itself', async () => {
  const agent = await spawnAgent();
  await agent.storeEpisode({task: 'sort the imports', output: 'done by biome', reward: 0.9, tags: ['style']});
  await agent.storeEpisode({task: 'sort the imports', output: 'by hand', reward: 0.1});
  const found = await agent.queryMemories('how to sort imports', 2);
  expect(found.map(({episode}) => [episode.output, episode.success])).toEqual([
    ['done by biome', true],
    ['by hand', false],
  ]);
  expect((await agent.queryMemories('imports', 5, {onlySuccess: true})).length).toBe(1);
  expect((await agent.queryMemories('imports', 5, {tags: ['style']})).length).toBe(1);
  expect(await agent.queryMemories('entirely unrelated')).toEqual([]);
  await expect(agent.sync()).rejects.toMatchObject({code: 'bad-option'});
  await expect(agent.storeEpisode({task: 'x', reward: 2})).rejects.toThrow(/reward/);
});

test('execute gives memory and context, and rejects as soon as the agent ends', async () => {
  const agent = await spawnAgent({lifetime: 60});
  const answer = await agent.execute(async (db, context) => {
    await db.storeEpisode({task: 'count', output: '1, 2, 3', reward: 1});
    expect(context.expiresAt).toBe(agent.getInfo().expiresAt);
    return [context.agentId, (await db.queryMemories('count', 1)).length];
  });
  expect(answer).toEqual([agent.agentId, 1]);
  await expect(agent.execute(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
  let seen: AbortSignal | undefined;
  const waiting = agent.execute((_, {signal}) => {
    seen = signal;
    return new Promise(() => undefined);
  });
  const ended = await agent.destroy();
  await expect(waiting).rejects.toMatchObject({code: 'ended', message: expect.stringMatching(/destroyed/)});
  expect(seen?.aborted).toBe(true);
  expect(ended).toEqual({reason: 'destroyed', unsynced: 1, error: null});
  expect(await agent.destroy()).toBe(ended);
  await expect(agent.storeEpisode({task: 'late', reward: 1})).rejects.toMatchObject({code: 'ended'});
  await expect(agent.execute(() => 1)).rejects.toMatchObject({code: 'ended'});
});

test('an agent ends by itself when its time is over, having synced', async () => {
  await using rig = await startHub();
  const agent = await spawnAgent({...connected(rig, 'ann'), lifetime: 0.5, syncInterval: 60_000});
  expect(agent.getRemainingLifetime()).toBeGreaterThan(0);
  expect(agent.getRemainingLifetime()).toBeLessThanOrEqual(0.5);
  await agent.hub?.connect();
  await agent.storeEpisode({task: 'last words', reward: 1});
  expect(await agent.whenGone()).toEqual({reason: 'expired', unsynced: 0, error: null});
  expect([agent.isAlive(), agent.getRemainingLifetime(), agent.getInfo().endedBy]).toEqual([false, 0, 'expired']);
  expect(rig.store.episodes('t1')).toBe(1);
});

test('an abort ends an agent, having synced', async () => {
  await using rig = await startHub();
  const control = new AbortController();
  const agent = await spawnAgent({...connected(rig, 'ann'), signal: control.signal});
  await agent.hub?.connect();
  await agent.storeEpisode({task: 'last words', reward: 1});
  control.abort();
  expect(await agent.whenGone()).toMatchObject({reason: 'aborted', unsynced: 0});
  expect(rig.store.episodes('t1')).toBe(1);
  await expect(spawnAgent({signal: control.signal})).rejects.toMatchObject({code: 'ended'});
});

test('an agent whose hub is away ends in time and says what is not synced', async () => {
  const agent = await spawnAgent({hubEndpoint: 'ws://127.0.0.1:9', token: 'x', finalSyncMs: 100});
  await agent.storeEpisode({task: 'nobody hears it', reward: 1});
  expect(await agent.destroy()).toMatchObject({reason: 'destroyed', unsynced: 1, error: {code: 'unreachable'}});
});

test('an agent syncs by itself, offline first and then online', async () => {
  const first = await startHub();
  const {port} = first.hub.address!;
  const {store, desk, url} = first;
  await first.hub.stop();
  const agent = await spawnAgent({
    agentId: 'ann',
    hubEndpoint: url,
    token: () => desk.issue('ann'),
    syncInterval: 50,
    memoryPath: join(folder, 'ann.db'),
  });
  for (let number = 0; number < 5; number += 1) await agent.storeEpisode({task: `offline ${number}`, reward: 1});
  expect((await agent.queryMemories('offline', 5)).length).toBe(5);
  await until('it was tried', () => agent.getInfo().sync?.lastError?.code === 'unreachable');
  await using again = await startHub({port, store, totals: store, auth: desk});
  expect(again.url).toBe(url);
  await until('the hub has them', () => store.episodes('t1') === 5);
  await agent.storeEpisode({task: 'online', reward: 1});
  await until('the hub has this one too', () => store.episodes('t1') === 6);
  await until('the agent knows', () => agent.getInfo().sync?.pending === 0);
  await agent.destroy();
});

test.each([
  ['the hub says', undefined],
  ['it was told itself', 86_400_000],
])('an agent syncs as often as %s', async (_, own) => {
  await using rig = await startHub({syncInterval: 20});
  const [agent, witness] = [
    await spawnAgent({...connected(rig, 'ann'), ...(own !== undefined && {syncInterval: own})}),
    await spawnAgent({...connected(rig, 'bob')}),
  ];
  const syncs = (of: EphemeralAgent) => of.getInfo().sync?.syncs ?? 0;
  // The second one is behind all that coming up has begun.
  for (let round = 0; round < 2; round += 1) await Promise.all([agent.sync(), witness.sync()]);
  const before = [agent, witness].map(syncs);
  await until('the witness has synced by itself', () => syncs(witness) >= before[1]! + 10);
  if (own === undefined) await until('so has the agent', () => syncs(agent) >= before[0]! + 10);
  else expect(syncs(agent)).toBe(before[0]);
});

test('what was stored survives kill -9, and the next process finds and syncs all of it', async () => {
  await using rig = await startHub();
  const memoryPath = join(folder, 'memory.db');
  const told: string[] = [];
  for (const [round, hub] of [[], [rig.url, rig.desk.issue('child')]].entries()) {
    const child = spawn(process.execPath, ['--import', 'tsx', CHILD, memoryPath, ...hub], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
    await until('it has stored a lot', () => output.split('\n').length > 100 + 50 * round);
    expect(() => openCache({tenantId: 't1', memoryPath})).toThrow(/another process has it open/);
    child.kill('SIGKILL');
    await once(child, 'close');
    told.push(...output.split('\n').slice(0, -1));
  }
  const agent = await spawnAgent({...connected(rig, 'heir'), memoryPath});
  for (const id of told) expect((await agent.db.getEpisode(id))?.episode.id).toBe(id);
  await agent.sync();
  const kept = rig.store.pull('t1', 0, 1_000_000, 1e9).entries;
  const ids = kept.map(entry => (entry.kind === 'episode' ? entry.episode.id : ''));
  expect(new Set(ids).size).toBe(ids.length);
  expect(told.filter(id => !ids.includes(id))).toEqual([]);
  // Some of it the child had pushed itself before it was killed.
  const authors = new Set(kept.map(entry => (entry.kind === 'episode' ? entry.episode.agentId : '')));
  expect(authors).toEqual(new Set(['child', 'heir']));
});

test('a thousand agents spawned in one turn have a thousand ids, and one timer', async () => {
  const alarms = new Alarms();
  const cache = openCache({tenantId: 't1'});
  const timersBefore = process.getActiveResourcesInfo().filter(name => name === 'Timeout').length;
  const hub = new InProcessHub();
  const spawned = await Promise.all(
    Array.from({length: 1000}, () =>
      EphemeralAgent.spawn({tenantId: 't1', cache, alarms, hubAdapter: hub.adapter, lifetime: 60}),
    ),
  );
  expect(new Set(spawned.map(({agentId}) => agentId)).size).toBe(1000);
  expect(alarms.size).toBe(2000);
  expect(process.getActiveResourcesInfo().filter(name => name === 'Timeout').length).toBeLessThanOrEqual(
    timersBefore + 1,
  );
  await Promise.all(spawned.map(agent => agent.destroy()));
  expect(alarms.size).toBe(0);
  cache.close();
});

test('three hundred agents of one process and one hub: all that was stored is there once, and everybody is told all', async () => {
  await using rig = await startHub();
  const cache = openCache({tenantId: 't1'});
  const spawned = await Promise.all(
    Array.from({length: 300}, (_, number) => spawnAgent({...connected(rig, `a${number}`), cache})),
  );
  await Promise.all(
    spawned.map(async (agent, number) => {
      await agent.storeEpisode({task: `lesson of ${number}`, reward: 1});
      await agent.sync({deadlineMs: 60_000});
    }),
  );
  expect(rig.hub.getStats().agents).toBe(300);
  const {entries} = rig.store.pull('t1', 0, 5000, 1e9);
  const authors = entries.map(entry => (entry.kind === 'episode' ? entry.episode.agentId : ''));
  expect(new Set(authors).size).toBe(300);
  expect(authors.length).toBe(300);
  expect(cache.counts).toMatchObject({episodes: 300, pending: 0, position: 300});
  expect((await spawned[0]!.queryMemories('lesson of 277', 1)).map(({episode}) => episode.agentId)).toEqual(['a277']);
  const ends = await Promise.all(spawned.map(agent => agent.destroy()));
  expect(ends.filter(({unsynced}) => unsynced > 0)).toEqual([]);
  cache.close();
}, 60_000);
