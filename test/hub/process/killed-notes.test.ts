import {execFileSync} from 'node:child_process';
import {rmSync} from 'node:fs';
import {expect, test} from 'vitest';
import {HubKeys} from '../../../src/hub/process/hub-keys.ts';
import {hubAudit} from '../../../src/hub/process/records.ts';
import {hubFolder} from '../../../src/hub/server/parts/hub-folder.ts';
import {HubFolderRig} from '../server/parts/hub-folder-rig.ts';

test('a note that a hub has taken in and was killed before it removed is listed once', async () => {
  await using rig = new HubFolderRig();
  await (await rig.start()).stop();
  const keys = new HubKeys(rig.dbPath);
  const wanted = {tenantId: 't1', role: 'worker', lifetimeMs: 60_000} as const;
  await keys.createToken({...wanted, agentId: 'early'});
  const {tokens} = hubFolder(rig.dbPath);
  const kept = `${rig.folder}/tokens-before`;
  // With its modes: keys that others can read are refused.
  execFileSync('cp', ['-a', tokens, kept]);
  await (await rig.start()).stop();
  // As the kill leaves it: in the log, and still where it waited.
  rmSync(tokens, {recursive: true});
  execFileSync('cp', ['-a', kept, tokens]);
  await keys.createToken({...wanted, agentId: 'late'});
  const told = await hubAudit({dbPath: rig.dbPath, masterKeys: null}, {tenantId: 't1'});
  expect(told).toMatchObject([
    {num: null, what: 'create-token', detail: {agentId: 'late'}},
    {num: expect.any(Number), what: 'create-token', detail: {agentId: 'early'}},
  ]);
  expect(told).toHaveLength(2);
});
