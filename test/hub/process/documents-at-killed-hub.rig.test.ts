import {afterEach, expect, test} from 'vitest';
import {FederationHub} from '../../../src/hub/client/federation-hub.ts';
import {until} from '../../rig/until.ts';
import {type Served, ServedHubRig} from './served-hub.ts';

const open = new Set<FederationHub>();

afterEach(async () => {
  await Promise.all([...open].map(hub => hub.close()));
  open.clear();
});

const ROUNDS = 4;

test(`a shared document goes on over ${ROUNDS} times kill -9 of its hub: those who write it end with the same, and with all of it`, async () => {
  await using rig = new ServedHubRig();
  let served: Served = await rig.serve();
  const {port} = new URL(served.url);
  const join = async (agentId: string) => {
    const hub = new FederationHub({agentId, tenantId: 't1', endpoint: served.url, token: await rig.token(agentId)});
    open.add(hub);
    await hub.connect();
    return hub.document('plan');
  };
  const [ann, bob] = [await join('ann'), await join('bob')];
  let written = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    await Promise.all([ann.sync(), bob.sync()]);
    const {child, ended} = served;
    // Written while the hub is there, while it dies, and while it is gone; each by who is not waiting for an answer.
    for (let number = 0; number < 30; number += 1) {
      if (number === 15) child.kill('SIGKILL');
      const document = number % 2 === 0 ? ann : bob;
      document.list('steps').push(`step ${written}`);
      document.map('facts').set(`of ${number}`, round);
      document.text('notes').insert(document.text('notes').length, `${written} `);
      written += 1;
      await new Promise(resolve => setImmediate(resolve));
    }
    await ended;
    ann.list('steps').push(`step ${written}`);
    written += 1;
    served = await rig.serve('--port', port);
  }
  await Promise.all([ann.sync(), bob.sync()]);
  // Each was told by the other, too, what the hub had lost.
  await until('both have all', () => [ann, bob].every(document => document.list('steps').length === written));
  await until('the texts are the same', () => ann.text('notes').toString() === bob.text('notes').toString());
  expect(new Set(ann.list('steps').values()).size).toBe(written);
  expect(ann.list('steps').values()).toEqual(bob.list('steps').values());
  expect(Object.fromEntries(ann.map('facts').entries())).toEqual(
    Object.fromEntries(Array.from({length: 30}, (_, number) => [`of ${number}`, ROUNDS - 1])),
  );
  const late = await join('cid');
  await late.sync();
  expect(late.list('steps').values()).toEqual(ann.list('steps').values());
  expect(late.text('notes').toString()).toBe(ann.text('notes').toString());
});
