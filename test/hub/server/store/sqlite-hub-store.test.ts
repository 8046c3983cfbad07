import {spawnSync} from 'node:child_process';
import {mkdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {SqliteHubStore} from '../../../../src/hub/server/store/sqlite-hub-store.ts';
import {change, item} from './sample-episodes.ts';
import {MANY, StoreRig} from './store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig[Symbol.dispose]());

describe('the log', () => {
  it('gives each tenant positions of its own, from 1 and without gaps, and keeps them', () => {
    const items = [item(), item(), item()];
    {
      using store = rig.open();
      expect(store.append('a', items.slice(0, 2))).toMatchObject([{position: 1, isNew: true}, {position: 2}]);
      expect(store.append('b', items.slice(0, 1))).toMatchObject([{position: 1, isNew: true}]);
      expect(store.append('a', items.slice(2))).toMatchObject([{position: 3}]);
      expect(store.flush()).toEqual({ok: true, value: undefined});
    }
    using store = rig.open();
    const entries = items.map((one, index) => ({...one, position: index + 1}));
    expect(store.pull('a', 0, 10, MANY)).toEqual({entries, more: false});
    expect(store.pullTexts('a', 0, 10, MANY).texts.map(text => JSON.parse(text) as unknown)).toEqual(entries);
    expect([store.head('a'), store.head('b'), store.head('c')]).toEqual([3, 1, 0]);
    expect(store.append('a', [item()])).toMatchObject([{position: 4, isNew: true}]);
  });

  it('answers what is there already with its position, and does not change it', () => {
    const store = rig.open();
    const first = item({id: 'x', task: 'first'});
    store.append('a', [item(), first]);
    store.flush();
    expect(store.append('a', [item({id: 'x', task: 'second'}), first])).toEqual([
      {id: 'x', position: 2, isNew: false},
      {id: 'x', position: 2, isNew: false},
    ]);
    expect(store.append('a', [item()])).toMatchObject([{position: 3}]);
    expect(store.get('a', 'x')?.entry).toMatchObject({position: 2, episode: {task: 'first'}});
  });

  it('shows nothing to those who pull before it is durable', () => {
    const store = rig.open();
    store.append('a', [item()]);
    expect([store.head('a'), store.appended('a'), store.pull('a', 0, 10, MANY).entries]).toEqual([0, 1, []]);
    store.flush();
    expect([store.head('a'), store.pull('a', 0, 10, MANY).entries.length]).toEqual([1, 1]);
  });

  it('pages by number and by bytes, at least one entry at a time', () => {
    const store = rig.open();
    store.append('a', [item(), item({output: 'x'.repeat(10_000)}), item()]);
    store.flush();
    const pulled = (since: number, limit: number, bytes: number) => {
      const {entries, more} = store.pull('a', since, limit, bytes);
      return [entries.map(({position}) => position), more];
    };
    expect(pulled(0, 2, MANY)).toEqual([[1, 2], true]);
    expect(pulled(0, 10, 1)).toEqual([[1], true]);
    expect(pulled(0, 10, 5000)).toEqual([[1], true]);
    expect(pulled(1, 10, 5000)).toEqual([[2], true]);
    expect(pulled(2, 10, 5000)).toEqual([[3], false]);
    expect(pulled(3, 10, 5000)).toEqual([[], false]);
    expect(pulled(99, 10, 5000)).toEqual([[], false]);
  });

  it('refuses changes of what is not there, of changes and of other tenants', () => {
    const store = rig.open();
    const use = change('e', {kind: 'use', count: 1});
    store.append('a', [item({id: 'e'}), use]);
    const ofUse = change(use.change.id, {kind: 'vote', value: 1});
    for (const [tenant, one] of [
      ['a', change('nowhere', {kind: 'vote', value: 1})],
      ['a', ofUse],
      ['b', change('e', {kind: 'vote', value: 1})],
    ] as const) {
      expect(store.append(tenant, [one])).toMatchObject([
        {refused: 'not-found', message: expect.stringContaining('there is no such episode')},
      ]);
    }
    expect(store.get('a', use.change.id)).toBeNull();
    expect(store.get('b', 'e')).toBeNull();
    expect(store.appended('b')).toBe(0);
  });
});

describe('limits', () => {
  it('of episodes: refuses more, still knows what it has, and has room again once some are forgotten', () => {
    const store = rig.open({limits: {tenantEpisodes: 2}});
    const items = [item({id: 'one'}), item()];
    store.append('a', items);
    expect(store.append('a', [item(), ...items])).toMatchObject([
      {refused: 'storage-full', message: expect.stringContaining('2 episodes')},
      {position: 1, isNew: false},
      {position: 2, isNew: false},
    ]);
    expect(store.append('b', [item()])).toMatchObject([{position: 1}]);
    store.append('a', [change('one', {kind: 'standing', standing: 'forgotten'})]);
    expect(store.append('a', [item()])).toMatchObject([{position: 4}]);
  });

  it('of bytes: refuses episodes and changes, but not what makes room', () => {
    const store = rig.open({limits: {tenantBytes: 5000}});
    store.append('a', [item({id: 'long', output: 'x'.repeat(6000)})]);
    const vote = change('long', {kind: 'vote', value: 1});
    expect(store.append('a', [item(), vote])).toMatchObject([{refused: 'storage-full'}, {refused: 'storage-full'}]);
    expect(store.append('a', [change('long', {kind: 'standing', standing: 'forgotten'})])).toMatchObject([
      {position: 2},
    ]);
    expect(store.append('a', [item()])).toMatchObject([{position: 3}]);
    store.flush();
    expect(store.verify().findings).toEqual([]);
  });

  it('of tenants', () => {
    const store = rig.open({limits: {tenants: 1}});
    store.append('a', [item()]);
    expect(store.append('b', [item()])).toMatchObject([{refused: 'storage-full'}]);
    expect(store.tenants()).toBe(1);
  });
});

/** Appends groups of ten until one does not hold; returns how many entries the log should have. */
function fillUp(store: SqliteHubStore): number {
  for (let kept = 0; ; ) {
    store.append(
      'a',
      Array.from({length: 10}, () => item({output: 'x'.repeat(20_000)})),
    );
    store.searchText('a', 'grammar', 1);
    const flushed = store.flush();
    if (flushed.ok) kept += 10;
    else {
      expect(flushed.failure).toMatchObject({kind: 'full', detail: expect.stringContaining('Free some space')});
      return kept;
    }
  }
}

describe('no room on the disk', () => {
  it('gives up the whole group, reads on, and takes writes again when there is room', () => {
    let kept = 0;
    {
      using store = rig.open({limits: {fileBytes: 4 * 2 ** 20}});
      kept = fillUp(store);
      expect(kept).toBeGreaterThan(0);
      expect([store.head('a'), store.appended('a'), store.episodes('a')]).toEqual([kept, kept, kept]);
      expect(store.pull('a', kept - 1, 10, MANY).entries).toHaveLength(1);
      expect(store.searchText('a', 'grammar', 1).hits).toHaveLength(1);
      expect(store.append('a', [item({id: 'small'})])).toMatchObject([{position: kept + 1, isNew: true}]);
      expect(store.searchText('a', 'grammar', 1000).hits.length).toBeGreaterThanOrEqual(kept);
    }
    using store = rig.open();
    expect(store.append('a', [item()])).toMatchObject([{isNew: true}]);
    expect(store.flush().ok).toBe(true);
    expect(store.verify().findings).toEqual([]);
  });

  it('refuses what follows in a group that has failed, until it was told', () => {
    const store = rig.open({limits: {fileBytes: 4 * 2 ** 20}});
    const large = () => item({output: 'x'.repeat(250_000)});
    const results = store.append('a', Array.from({length: 40}, large));
    expect(results.every(result => 'refused' in result)).toBe(true);
    expect(store.append('a', [item()])).toMatchObject([{refused: 'storage-full'}]);
    expect(store.flush()).toMatchObject({ok: false, failure: {kind: 'full'}});
    expect(store.append('a', [item()])).toMatchObject([{position: 1}]);
    expect(store.flush().ok).toBe(true);
  });

  it.skipIf(!canMount())('holds on a disk that is really full', () => {
    const disk = join(rig.folder, 'disk');
    mkdirSync(disk);
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8m', 'tmpfs', disk]);
    try {
      const filler = join(disk, 'filler');
      writeFileSync(filler, Buffer.alloc(2 ** 20));
      using store = rig.open({file: join(disk, 'hub.db')});
      const kept = fillUp(store);
      expect(store.pull('a', 0, 1000, MANY).entries).toHaveLength(kept);
      rmSync(filler);
      expect(store.append('a', [item({output: 'x'.repeat(50_000)})])).toMatchObject([{position: kept + 1}]);
      expect(store.flush()).toEqual({ok: true, value: undefined});
      expect(store.verify().findings).toEqual([]);
    } finally {
      spawnSync('umount', [disk]);
    }
  });
});

describe('the file', () => {
  it('is for its owner alone, and for one hub at a time', () => {
    const store = rig.open();
    store.append('a', [item()]);
    store.flush();
    expect([statSync(rig.file).mode & 0o777, statSync(`${rig.file}-wal`).mode & 0o777]).toEqual([0o600, 0o600]);
    expect(rig.refused()).toMatchObject({
      reason: 'store-unusable',
      detail: expect.stringContaining('another process'),
      hint: expect.stringContaining('Only one hub'),
    });
  });

  it('is refused and left as it is when a newer program or another one wrote it', () => {
    rig.open().close();
    rig.alter('PRAGMA user_version = 99');
    const before = readFileSync(rig.file);
    expect(rig.refused()).toMatchObject({
      detail: expect.stringContaining('schema 99'),
      hint: expect.stringContaining('Update godel'),
    });
    expect(readFileSync(rig.file)).toEqual(before);
    rig.alter('PRAGMA application_id = 7');
    expect(rig.refused()).toMatchObject({detail: expect.stringContaining("another program's")});
  });

  it('is refused when its pages are damaged', () => {
    {
      using store = rig.open();
      store.append(
        'a',
        Array.from({length: 200}, () => item()),
      );
    }
    const bytes = readFileSync(rig.file);
    for (let page = 20; page < 40; page += 1) bytes.fill(0xa5, page * 4096, page * 4096 + 2000);
    writeFileSync(rig.file, bytes);
    expect(rig.refused()).toMatchObject({
      detail: expect.stringContaining('damaged'),
      hint: expect.stringContaining('restore'),
    });
  });

  it('gives no row away that is not what was written, and serves the others', () => {
    {
      using store = rig.open();
      store.append('a', [item({id: 'one'}), item({id: 'two'}), item({id: 'three'})]);
    }
    rig.alter(`UPDATE entries SET body = replace(body, 'grammar', 'grandma') WHERE id = 'two'`);
    using store = rig.open();
    expect(thrownBy(() => store.get('a', 'two'))).toMatchObject({
      failure: {detail: 'it is damaged: entry 2 ("two") of tenant "a" has another checksum'},
    });
    const page = store.pull('a', 0, 10, MANY);
    expect(page).toMatchObject({more: false, damaged: [2]});
    expect(page.entries.map(({position}) => position)).toEqual([1, 2, 3]);
    expect(page.entries[1]).toMatchObject({kind: 'change', change: {by: 'hub', kind: 'tag', add: [], remove: []}});
    expect(JSON.stringify(page.entries[1])).not.toContain('two');
    expect(store.get('a', 'three')?.entry.position).toBe(3);
    expect(store.at('a', [3, 2, 1, 9]).map(({entry}) => entry.position)).toEqual([3, 1]);
    const results = store.append('a', [
      change('two', {kind: 'critique', text: 'x'}),
      change('three', {kind: 'critique', text: 'x'}),
    ]);
    expect(results).toMatchObject([{refused: 'not-found', message: expect.stringContaining('damaged')}, {position: 4}]);
    expect(store.flush().ok).toBe(true);
    expect(store.verify().findings).toContain('Entry 2 ("two") of tenant "a" has another checksum');
  });
});

function thrownBy(call: () => unknown): unknown {
  try {
    call();
  } catch (error) {
    return error;
  }
  return null;
}

function canMount(): boolean {
  return process.platform === 'linux' && process.getuid?.() === 0 && spawnSync('mount', ['--version']).status === 0;
}
