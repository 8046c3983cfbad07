import {join} from 'node:path';
import {expect, test} from 'vitest';
import {EphemeralAgent} from '../../../src/hub/client/ephemeral-agent.ts';
import {until} from '../../rig/until.ts';
import {ServedHubRig} from './served-hub.ts';

test('an agent goes on by itself when its hub is killed and served again, and loses nothing', async () => {
  await using rig = new ServedHubRig();
  const first = await rig.serve();
  const agent = await EphemeralAgent.spawn({
    agentId: 'ann',
    tenantId: 't1',
    hubEndpoint: first.url,
    memoryPath: join(rig.folder, 'ann.db'),
    token: await rig.token('ann'),
    syncInterval: 200,
  });
  const ids = [await agent.storeEpisode({task: 'before the end', output: 'done', reward: 1})];
  await until('the hub has it', async () => {
    const {stats} = (await rig.json('status')) as {stats: {episodes: number}};
    return stats.episodes === 1;
  });
  first.child.kill('SIGKILL');
  await first.ended;
  ids.push(await agent.storeEpisode({task: 'without a hub', output: 'done', reward: 1}));
  const second = await rig.serve('--port', new URL(first.url).port);
  expect(second.url).toBe(first.url);
  ids.push(await agent.storeEpisode({task: 'after it came back', output: 'done', reward: 1}));
  await until('the hub has all of them', async () => {
    const {stats} = (await rig.json('status')) as {stats: {episodes: number} | null};
    return stats?.episodes === 3;
  });
  await agent.destroy();
  const reader = await rig.join(second.url, await rig.token('reader'));
  const {entries} = await reader.ask('entries', {type: 'pull', since: 0, limit: 100});
  expect(entries.map(entry => entry.kind === 'episode' && entry.episode.id)).toEqual(ids);
});
