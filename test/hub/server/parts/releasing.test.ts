import {randomUUID} from 'node:crypto';
import {expect, test} from 'vitest';
import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import type {Episode, EpisodeChange} from '../../../../src/model/episode.ts';
import {until} from '../../../rig/until.ts';
import {episode, pushOf, type RawClient} from '../hub-rig.ts';
import {HubFolderRig} from './hub-folder-rig.ts';

let counter = 0;
function at(): string {
  counter += 1;
  return formatStamp({ms: Date.now(), counter, node: 'test'});
}

const lesson = (task: string) =>
  episode('ann', {at: at(), task, output: 'Trim the wick before the lamp is lit again.'});

type Said = {kind: 'confirm'; success: boolean} | {kind: 'standing'; standing: 'forgotten'};

async function say(client: RawClient, {id}: Episode, by: string, said: Said): Promise<void> {
  const change: EpisodeChange = {id: randomUUID(), episode: id, by, at: at(), ...said};
  const {results} = await client.ask('pushed', {type: 'push', items: [{kind: 'change', change}]});
  expect(results).toMatchObject([{position: expect.any(Number)}]);
}

const stateOf = async (client: RawClient, {id}: Episode) =>
  (await client.ask('episode', {type: 'get', episode: id})).state;
const isActive = (client: RawClient, of: Episode) => async () => (await stateOf(client, of)).standing === 'active';
const isMerged = (client: RawClient, of: Episode) => async () => (await stateOf(client, of)).standing === 'merged';

test('with merging off, what was merged before is recalled again when the one that stayed is refuted or forgotten', async () => {
  await using rig = new HubFolderRig();
  const lamps = [lesson('the lamp of the harbour'), lesson('the lamp of the harbour')] as const;
  const boats = [lesson('a boat on the lake'), lesson('a boat on the lake')] as const;
  {
    const hub = await rig.start({merge: true});
    const ann = await rig.join(hub, 'ann');
    await ann.ask('pushed', pushOf(...lamps, ...boats));
    for (const [, gone] of [lamps, boats]) await until('it is merged', isMerged(ann, gone));
    await hub.stop();
  }
  const coasts = [lesson('the sound of a coast'), lesson('the sound of a coast')] as const;
  {
    const hub = await rig.start({merge: false});
    const [ann, bob] = [await rig.join(hub, 'ann'), await rig.join(hub, 'bob')];
    await ann.ask('pushed', pushOf(...coasts));
    await say(bob, lamps[0], 'bob', {kind: 'confirm', success: false});
    await until('what is refuted gives it back', isActive(ann, lamps[1]));
    const recalled = await bob.ask('recalled', {type: 'recall', query: lamps[0].task, k: 1});
    expect(recalled.memories.map(memory => memory.episode.id)).toEqual([lamps[1].id]);
    await say(ann, boats[0], 'ann', {kind: 'standing', standing: 'forgotten'});
    await until('what is forgotten gives it back', isActive(ann, boats[1]));
    // What came before that was looked at, and is not merged.
    for (const each of coasts) expect(await isActive(ann, each)()).toBe(true);
    await hub.stop();
  }
  // What came meanwhile is merged by a hub that merges.
  const hub = await rig.start({merge: true});
  const ann = await rig.join(hub, 'ann');
  await until('it is merged', isMerged(ann, coasts[1]));
  expect(await isActive(ann, coasts[0])()).toBe(true);
});
