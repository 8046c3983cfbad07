import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {openCache} from '../../../../src/hub/client/store/open-cache.ts';
import type {EpisodeChange, LogEntry, LogItem, WrittenClock} from '../../../../src/model/episode.ts';
import {change, item, stamp} from '../../server/store/sample-episodes.ts';

let folder: string;
let memoryPath: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-earlier-tags-'));
  memoryPath = join(folder, 'memory.db');
});
afterEach(() => rmSync(folder, {recursive: true, force: true}));

const clock = (node: string, base: number): {clock: WrittenClock} => ({clock: ['the-log', node, 1, base]});
const items: readonly LogItem[] = [
  item({id: 'e', tags: ['own'], at: stamp(1)}),
  change('e', {kind: 'use', count: 3}, {id: 'used'}),
  change('e', {kind: 'tag', add: ['x'], remove: []}, {id: 'bob', by: 'bob', at: stamp(3), ...clock('bob', 1)}),
  change('e', {kind: 'tag', add: [], remove: ['x', 'own']}, {id: 'ann', by: 'ann', at: stamp(4), ...clock('ann', 1)}),
];
const log: readonly LogEntry[] = items.map((one, index) => ({...one, position: index + 1}));
const own: EpisodeChange = {id: 'mine', episode: 'e', by: 'me', at: stamp(5), kind: 'tag', add: ['y'], remove: []};

/** As a cache was that kept the last word on each tag: everything else of a fold is as it is now. */
function makeOlder(marks: readonly (readonly [string, string, string, boolean])[]): void {
  const db = new Database(memoryPath);
  // The cast names what a cache writes.
  const fold = JSON.parse(
    db.prepare<[], string>("SELECT fold FROM entries WHERE id = 'e'").pluck().get()!,
  ) as unknown[];
  fold[6] = marks;
  db.prepare("UPDATE entries SET fold = ? WHERE id = 'e'").run(JSON.stringify(fold));
  db.exec("PRAGMA user_version = 2; DELETE FROM facts WHERE name = 'earlier-tags'");
  db.close();
}

test('what a cache knew of tags is completed from the log; what it counted is not counted again', () => {
  const first = openCache({tenantId: 't1', memoryPath});
  const user = first.join();
  first.follow('the-log');
  first.applyPage(log);
  first.add(user, {kind: 'change', change: own});
  expect(first.get('e')?.state).toMatchObject({uses: 3, tags: ['x', 'y']});
  first.close();
  makeOlder([
    ['own', stamp(4), 'ann', false],
    ['x', stamp(4), 'ann', false],
    ['y', stamp(5), 'mine', true],
  ]);

  const again = openCache({tenantId: 't1', memoryPath});
  // Until the hub is there, as it was.
  expect([again.position, again.get('e')?.state]).toMatchObject([0, {uses: 3, tags: ['y']}]);
  again.join();
  again.follow('the-log');
  again.applyPage(log);
  again.applyPage([{kind: 'change', change: own, position: 5}]);
  expect(again.get('e')?.state).toMatchObject({uses: 3, tags: ['x', 'y']});
  again.close();
  const third = openCache({tenantId: 't1', memoryPath});
  expect([third.position, third.get('e')?.state]).toMatchObject([5, {uses: 3, tags: ['x', 'y']}]);
  third.close();
});

test('a cache in which nobody has changed a tag goes on where it was', () => {
  const first = openCache({tenantId: 't1', memoryPath});
  first.follow('the-log');
  first.applyPage(log.slice(0, 2));
  first.close();
  makeOlder([['own', stamp(1), '', true]]);
  const again = openCache({tenantId: 't1', memoryPath});
  expect([again.position, again.get('e')?.state]).toMatchObject([2, {uses: 3, tags: ['own']}]);
  again.close();
});

test('a cache without a hub keeps what it knew, and the later word on it', () => {
  const first = openCache({tenantId: 't1', memoryPath});
  for (const one of items) first.keep(one);
  first.close();
  makeOlder([
    ['own', stamp(4), 'ann', false],
    ['x', stamp(4), 'ann', false],
  ]);
  const again = openCache({tenantId: 't1', memoryPath});
  expect(again.get('e')?.state).toMatchObject({uses: 3, tags: []});
  again.keep({kind: 'change', change: own});
  again.keep({kind: 'change', change: {...own, id: 'later', at: stamp(6), add: ['own'], remove: ['y']}});
  expect(again.get('e')?.state).toMatchObject({uses: 3, tags: ['own']});
  again.close();
});
