import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, expect, test} from 'vitest';
import type {EngineRecord, StoredState} from '../../src/model/record.ts';
import {runSeed} from '../../src/simulation/run-seed.ts';
import {SimulatedStore} from '../../src/simulation/simulated-store.ts';
import {openSqliteStore} from '../../src/store/sqlite/sqlite-store.ts';
import type {Store} from '../../src/store/store.ts';

const folders: string[] = [];

afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, {recursive: true, force: true});
});

/** Gives every commit to a real store as well, and compares what the two would tell a restarted daemon. */
class ComparedStore extends SimulatedStore {
  readonly real: Store;
  compared = 0;

  constructor(real: Store) {
    super();
    this.real = real;
  }

  override commit(records: readonly EngineRecord[]): void {
    super.commit(records);
    this.real.commit(records);
  }

  override load(): StoredState {
    const state = super.load();
    expect(plain(this.real.load())).toEqual(plain(state));
    this.compared += 1;
    return state;
  }
}

test('the simulated store tells a restarted daemon what the real one would', {timeout: 60_000}, () => {
  let compared = 0;
  for (let seed = 1; seed <= 8; seed++) {
    const folder = mkdtempSync(join(tmpdir(), 'godel-simulated-store-'));
    folders.push(folder);
    const opened = openSqliteStore({file: join(folder, 'store.db')});
    if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
    using real = opened.value;
    const store = new ComparedStore(real);
    const result = runSeed(seed, {store, faults: {daemonCrash: 0.2}});
    expect(result.ok ? null : result.violation).toBeNull();
    store.load();
    compared += store.compared;
  }
  expect(compared).toBeGreaterThan(40);
});

function plain(state: StoredState): unknown {
  return JSON.parse(JSON.stringify(state));
}
