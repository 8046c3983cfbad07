import {randomBytes} from 'node:crypto';
import {existsSync, statSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {restoreHubStore, verifyHubStore} from '../../../../src/hub/server/store/backup.ts';
import {change, item} from './sample-episodes.ts';
import {sealWith, StoreRig} from './store-rig.ts';

let rig: StoreRig;
let copy = '';
beforeEach(() => {
  rig = new StoreRig();
  copy = join(rig.folder, 'backup.db');
});
afterEach(() => rig[Symbol.dispose]());

describe('a backup', () => {
  it('is made while others write, has what was durable, and becomes a database again', async () => {
    {
      using store = rig.open();
      store.append(
        'a',
        Array.from({length: 2000}, () => item({output: 'x'.repeat(2000)})),
      );
      store.flush();
      let isDone = false;
      const backup = store.backup(copy).finally(() => {
        isDone = true;
      });
      let written = 0;
      while (!isDone) {
        store.append('a', [item(), change('nowhere', {kind: 'use', count: 1})]);
        if ((written += 1) % 3 === 0) store.flush();
        await new Promise(resolve => setImmediate(resolve));
      }
      expect(written).toBeGreaterThan(3);
      const result = await backup;
      expect(result).toMatchObject({ok: true, value: {findings: [], tenants: 1}});
    }
    expect([statSync(copy).mode & 0o777, existsSync(`${copy}.part`)]).toEqual([0o600, false]);
    const to = join(rig.folder, 'restored.db');
    const restored = restoreHubStore({from: copy, to, seal: null});
    if (!restored.ok) throw new Error(JSON.stringify(restored.failure));
    expect(restored.value.findings).toEqual([]);
    expect(restored.value.entries).toBeGreaterThanOrEqual(2000);
    using store = rig.open({file: to});
    expect(store.head('a')).toBe(restored.value.entries);
    expect(store.searchText('a', 'grammar', 5).hits).toHaveLength(5);
    expect(store.append('a', [item()])).toMatchObject([{position: restored.value.entries + 1}]);
  });

  it('counts positions in a log of its own, wherever and however often it is put back', async () => {
    using store = rig.open();
    store.append('a', [item()]);
    expect(await store.backup(copy)).toMatchObject({ok: true});
    const logs = [store.log];
    for (const name of ['one.db', 'two.db']) {
      const to = join(rig.folder, name);
      expect(restoreHubStore({from: copy, to, seal: null})).toMatchObject({ok: true});
      {
        using restored = rig.open({file: to});
        logs.push(restored.log);
      }
      using again = rig.open({file: to});
      expect(again.log).toBe(logs.at(-1));
    }
    // As by hand, past godel.
    using copied = rig.open({file: copy});
    expect(new Set([...logs, copied.log]).size).toBe(4);
  });

  it('of a sealed database stays sealed, and can be verified without the key as far as that goes', async () => {
    const seal = sealWith(randomBytes(32));
    using store = rig.open({seal});
    store.append('a', [item({task: 'walrus'})]);
    expect(await store.backup(copy)).toMatchObject({ok: true, value: {findings: [], contents: 'read'}});
    expect(verifyHubStore({file: copy, seal: null})).toMatchObject({
      ok: true,
      value: {findings: [], contents: 'sealed'},
    });
    expect(verifyHubStore({file: copy, seal})).toMatchObject({ok: true, value: {findings: [], contents: 'read'}});
  });

  it('writes over nothing, neither back nor forth', async () => {
    using store = rig.open();
    writeFileSync(copy, 'precious');
    expect(await store.backup(copy)).toMatchObject({
      ok: false,
      failure: {path: copy, detail: expect.stringContaining('there already')},
    });
    expect(restoreHubStore({from: copy, to: rig.file, seal: null})).toMatchObject({
      ok: false,
      failure: {path: rig.file},
    });
    const nowhere = join(rig.folder, 'no', 'backup.db');
    expect(await store.backup(nowhere)).toMatchObject({ok: false, failure: {path: nowhere}});
  });

  it('is not restored when it is damaged, or no backup', async () => {
    {
      using store = rig.open();
      store.append('a', [item({id: 'e'})]);
      await store.backup(copy);
    }
    const to = join(rig.folder, 'restored.db');
    writeFileSync(join(rig.folder, 'text'), 'nothing of the kind'.repeat(100));
    expect(restoreHubStore({from: join(rig.folder, 'text'), to, seal: null})).toMatchObject({ok: false});
    expect(restoreHubStore({from: join(rig.folder, 'nowhere'), to, seal: null})).toMatchObject({ok: false});
    rig.alter(`DELETE FROM entries WHERE id = 'e'`);
    expect(restoreHubStore({from: rig.file, to, seal: null})).toMatchObject({
      ok: false,
      failure: {path: rig.file, detail: expect.stringContaining('head of tenant "a" is kept as 1, and is 0')},
    });
    expect(existsSync(to)).toBe(false);
  });
});

describe('verifying', () => {
  const damages = {
    [`DELETE FROM entries WHERE id = 'e'`]: /Tenant "a" has no entry 1/,
    [`UPDATE entries SET body = replace(body, 'parser', 'marker') WHERE id = 'e'`]: /Entry 1 .* another checksum/,
    'UPDATE states SET uses = 7': /Entry 1 .*"uses":7.*"uses":2/,
    'UPDATE tenants SET bytes = 1': /number of bytes of tenant "a" is kept as 1/,
    'UPDATE tenants SET episodes = 9': /number of episodes of tenant "a" is kept as 9, and is 2/,
    'UPDATE vectors SET key = 5': /number of vectors without an episode/,
    [`UPDATE documents SET body = 'x'`]: /Document "d"/,
    'DELETE FROM text_1_docsize WHERE id = 1': /searchable episodes|SQLite finds/,
  };

  it('is refused while a hub has the database open', () => {
    using store = rig.open();
    store.append('a', [item()]);
    store.flush();
    expect(verifyHubStore({file: rig.file, seal: null})).toMatchObject({
      ok: false,
      failure: {path: rig.file, detail: expect.stringContaining('another process has it open')},
    });
  });

  it.each(Object.entries(damages))('finds %s', (sql, expected) => {
    {
      using store = rig.open();
      store.append('a', [item({id: 'e'}), change('e', {kind: 'use', count: 2}), item()]);
      store.vectors.set('a', 'm', [{position: 1, bytes: Buffer.from('v')}]);
      store.documents.set('a', {name: 'd', atMs: 1}, Buffer.from('document'));
      store.followText(100);
      store.flush();
      expect(store.verify()).toEqual({findings: [], tenants: 1, entries: 3, episodes: 2, contents: 'read'});
    }
    rig.alter(sql);
    const result = verifyHubStore({file: rig.file, seal: null});
    if (!result.ok) throw new Error(JSON.stringify(result.failure));
    expect(result.value.findings.join('\n')).toMatch(expected);
  });
});
