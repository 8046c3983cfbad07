import {closeSync, cpSync, openSync, readdirSync, readlinkSync} from 'node:fs';
import {join} from 'node:path';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {item} from './sample-episodes.ts';
import {MANY, StoreRig} from './store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig[Symbol.dispose]());

describe('a tenant whose row lags behind its log', () => {
  it('has its figures from the log after a sudden end', () => {
    const store = rig.open();
    for (let pushed = 0; pushed < 3; pushed += 1) {
      store.append('a', [item(), item({output: 'änderung'})]);
      store.append('b', [item()]);
      store.flush();
    }
    const before = store.figures();
    expect(before).toMatchObject([{durable: 6, episodes: 6}, {durable: 3}]);
    using copy = new StoreRig();
    for (const end of ['', '-wal']) cpSync(`${rig.file}${end}`, `${copy.file}${end}`);
    const reopened = copy.open();
    expect(reopened.figures()).toEqual(before);
    expect(reopened.append('a', [item()])).toMatchObject([{position: 7, isNew: true}]);
    expect(reopened.verify().findings).toEqual([]);
  });

  it('is told exactly what is forgotten, whenever its row was written', () => {
    const [first, second] = [item(), item()];
    {
      using earlier = rig.open();
      earlier.append('a', [first, second]);
    }
    const store = rig.open();
    const why = {by: 'operator', at: '00000000000f-0000-test', reason: 'a test'};
    expect(store.forget('a', [first.episode.id], why)).toEqual([first.episode.id]);
    store.append('a', [item()]);
    store.flush();
    const before = store.figures();
    expect(before).toMatchObject([{durable: 4, episodes: 2}]);
    using copy = new StoreRig();
    for (const end of ['', '-wal']) cpSync(`${rig.file}${end}`, `${copy.file}${end}`);
    expect(copy.open().figures()).toEqual(before);
  });
});

describe.runIf(process.platform === 'linux')('a disk that does not take what was written', () => {
  it('is told, and nothing is taken or shown until the database is opened anew', () => {
    const store = rig.open();
    const kept = item();
    store.append('a', [kept]);
    expect(store.flush().ok).toBe(true);
    replaceLast(`${rig.file}-wal`);
    store.append('a', [item()]);
    expect(store.flush()).toMatchObject({
      ok: false,
      failure: {kind: 'broken', detail: expect.stringContaining('did not take') as string},
    });
    expect([store.head('a'), store.flush().ok]).toEqual([1, false]);
    expect(store.append('a', [item()])).toMatchObject([{refused: 'storage-full'}]);
    expect(() => store.pull('a', 0, 10, MANY)).toThrow('store-unusable');
    store.close();
    using again = rig.open();
    expect(again.pull('a', 0, 1, MANY).entries).toEqual([{...kept, position: 1}]);
    expect(again.verify().findings).toEqual([]);
  });
});

/** The descriptor that was opened last is the one that is synced; what takes its number cannot be. */
function replaceLast(file: string): void {
  const open = readdirSync('/proc/self/fd').filter(number => {
    try {
      return readlinkSync(join('/proc/self/fd', number)) === file;
    } catch {
      return false;
    }
  });
  const last = Math.max(...open.map(Number));
  closeSync(last);
  expect(openSync('/dev/null', 'r')).toBe(last);
}
