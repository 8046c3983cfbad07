import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createRequire} from 'node:module';
import {pathToFileURL} from 'node:url';
import {expect, test} from 'vitest';
import type {SqliteHubStore} from '../../../../src/hub/server/store/sqlite-hub-store.ts';
import {change, item} from './sample-episodes.ts';
import {StoreRig} from './store-rig.ts';

const CHILD = new URL('merging-child.ts', import.meta.url).pathname;
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;
const COUNT = 60;

test('a hub that is killed again and again while it merges counts everything once', async () => {
  using rig = new StoreRig();
  const first = rig.open();
  const ids = Array.from({length: COUNT}, (_, index) => `same-${index}`);
  first.append(
    'a',
    ids.map(id => item({id})),
  );
  first.append(
    'a',
    ids.map((id, index) => change(id, {kind: 'use', count: 1 + index})),
  );
  first.flush();
  const whole = {episodes: COUNT, uses: (COUNT * (COUNT + 1)) / 2};
  expect(recalled(first, ids)).toMatchObject({...whole, active: COUNT});
  first.close();

  let kills = 0;
  for (let isDone = false; !isDone; ) {
    isDone = !(await mergeUntil(rig.file, 10 + Math.floor(Math.random() * 30)));
    if (!isDone) kills += 1;
    using store = rig.open();
    expect(recalled(store, ids)).toMatchObject(whole);
    expect(store.verify().findings).toEqual([]);
  }
  expect(kills).toBeGreaterThan(1);
  using store = rig.open();
  const {active} = recalled(store, ids);
  expect(active).toBeLessThan(COUNT / 2);
  const audit = store.audit.list({tenant: 'a', before: null, limit: 10_000});
  const named = audit.flatMap(({what, detail}) =>
    what === 'merge' ? (detail as {readonly episodes: readonly string[]}).episodes : [],
  );
  // Each of those that are merged is named once.
  expect(named.length).toBe(COUNT - active);
  expect(new Set(named).size).toBe(COUNT - active);
}, 240_000);

/** What those that are recalled stand for. */
function recalled(store: SqliteHubStore, ids: readonly string[]) {
  const states = ids.flatMap(id => store.get('a', id)?.state ?? []).filter(({standing}) => standing === 'active');
  return {
    active: states.length,
    episodes: states.reduce((sum, {merged = 0}) => sum + 1 + merged, 0),
    uses: states.reduce((sum, {uses}) => sum + uses, 0),
  };
}

/** Whether it was killed before it had merged everything. */
async function mergeUntil(file: string, turn: number): Promise<boolean> {
  const child = spawn(process.execPath, ['--import', TSX, CHILD, file, `${COUNT}`, `${turn}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const [code, signal] = (await once(child, 'exit')) as [number | null, NodeJS.Signals | null];
  expect(code === 0 || signal === 'SIGKILL').toBe(true);
  return signal === 'SIGKILL';
}
