import {expect, test} from 'vitest';
import {FederationHub} from '../../../src/hub/client/federation-hub.ts';
import {formatStamp} from '../../../src/hub/replica/hybrid-clock.ts';
import {HubFolderRig} from '../server/parts/hub-folder-rig.ts';
import {episode, pushOf} from '../server/hub-rig.ts';

test('of critiques that did not know of each other both stand; who has read them has the last word', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const endpoint = `ws://127.0.0.1:${hub.address?.port ?? 0}`;
  const [ann, bob, eve] = ['ann', 'bob', 'eve'].map(
    agentId =>
      new FederationHub({
        agentId,
        tenantId: 't1',
        endpoint,
        news: false,
        token: () => hub.security.generateToken(agentId, 't1'),
      }),
  ) as [FederationHub, FederationHub, FederationHub];
  const id = await ann.db.storeEpisode({task: 'mend the lamp', reward: 1});
  for (const each of [ann, bob, eve]) await each.sync();
  await ann.db.criticise(id, 'ann: take a new wick');
  await bob.db.criticise(id, 'bob: clean the glass first');
  for (const each of [ann, bob, ann, eve]) await each.sync();
  for (const each of [ann, bob, eve]) {
    const {state} = (await each.db.getEpisode(id)) ?? {};
    expect(state).toMatchObject({critique: 'bob: clean the glass first', otherCritiques: ['ann: take a new wick']});
  }
  await eve.db.criticise(id, 'eve: both');
  for (const each of [eve, ann]) await each.sync();
  const {state} = (await ann.db.getEpisode(id)) ?? {};
  expect(state).toMatchObject({critique: 'eve: both'});
  expect(state?.otherCritiques).toBeUndefined();
  await Promise.all([ann, bob, eve].map(each => each.close()));
});

test('nobody has seen what is not there yet', async () => {
  await using rig = new HubFolderRig();
  const hub = await rig.start();
  const agent = await rig.join(hub, 'a1');
  const eye = await rig.open(hub);
  eye.hello(await hub.security.generateToken('eye', 't1'));
  const {log = ''} = await eye.next('welcome');
  const at = formatStamp({ms: Date.now(), counter: 0, node: 'a1'});
  const of = (base: number, of = log) => episode('a1', {at, clock: [of, 'n', base + 1, base]});
  const {results} = await agent.ask('pushed', pushOf(of(5), of(0), of(5, 'another log')));
  expect(results).toMatchObject([{code: 'bad-frame'}, {position: 1}, {position: 2}]);
});
