import {existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {removeLeftovers} from '../../src/daemon/leftovers.ts';
import {teamId} from '../../src/model/ids.ts';
import type {StoredState} from '../../src/model/record.ts';
import {projectPaths, secretsFile, teamFolder} from '../../src/project/project-paths.ts';

test('what is left of teams that are over or removed goes, and nothing else', () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-leftovers-'));
  const paths = {...projectPaths(folder, {}), runtimeFolder: folder};
  const [active, over, removed] = [teamId(1), teamId(2), teamId(3)];
  for (const id of [active, over, removed]) {
    writeFileSync(secretsFile(paths, id), '{}');
    mkdirSync(teamFolder(paths, id), {recursive: true});
  }
  writeFileSync(join(folder, 'another.team-3.secrets'), '{}');
  // The parts of the stored state that are looked at.
  removeLeftovers(paths, {teams: [{id: active}], over: [{teamId: over}]} as unknown as StoredState);
  expect([active, over, removed].map(id => existsSync(secretsFile(paths, id)))).toEqual([true, false, false]);
  expect([active, over, removed].map(id => existsSync(teamFolder(paths, id)))).toEqual([true, true, false]);
  expect(existsSync(join(folder, 'another.team-3.secrets'))).toBe(true);
  rmSync(folder, {recursive: true});
});
