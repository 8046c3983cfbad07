import {randomBytes} from 'node:crypto';
import {expect, test} from 'vitest';
import type {SqliteHubStore} from '../../../../src/hub/server/store/sqlite-hub-store.ts';
import {item} from './sample-episodes.ts';
import {StoreRig} from './store-rig.ts';

/** How many rows pile up beyond the limit, at most. */
const SLACK = 256;
const ROWS = 20;

function push(store: SqliteHubStore, count: number): void {
  for (let made = 0; made < count; made += 1) {
    store.audit.add({atMs: made, tenant: 'a', who: 'x', what: 'push', detail: null});
  }
}

test('rows whose trimming was undone with the rest of its group are trimmed later', () => {
  using rig = new StoreRig();
  using store = rig.open({limits: {auditRows: ROWS, olderAuditRows: 10_000, fileBytes: 2 * 2 ** 20}});
  push(store, SLACK);
  expect(store.flush().ok).toBe(true);
  // Trims, and then there is no room for all of it.
  push(store, SLACK);
  const large = () => item({output: randomBytes(20_000).toString('base64')});
  store.append('a', Array.from({length: 100}, large));
  expect(store.flush()).toMatchObject({ok: false, failure: {kind: 'full'}});
  expect(store.audit.list({limit: 10_000})).toHaveLength(SLACK);

  push(store, 2 * SLACK);
  expect(store.flush().ok).toBe(true);
  expect(store.audit.list({limit: 10_000}).length).toBeLessThan(ROWS + SLACK + 1);
});
