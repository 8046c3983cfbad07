import {chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import type {Failure} from '../../../src/model/failure.ts';
import {APPLICATION_ID} from '../../../src/store/sqlite/migrations.ts';
import {FIRST_SCHEMA} from '../../../src/store/sqlite/schema/001-first.ts';
import {AGENTS_SCHEMA} from '../../../src/store/sqlite/schema/002-agents.ts';
import {openSqliteStore} from '../../../src/store/sqlite/sqlite-store.ts';
import type {Store} from '../../../src/store/store.ts';
import {type StorePlace, storeConformance} from '../conformance.ts';
import * as some from '../sample-records.ts';

class SqlitePlace implements StorePlace {
  readonly #folder = mkdtempSync(join(tmpdir(), 'godel-store-'));
  #store: Store | null = null;

  reopen(): Store {
    this.#store?.close();
    this.#store = opened(join(this.#folder, 'store.db'));
    return this.#store;
  }

  [Symbol.dispose](): void {
    this.#store?.close();
    rmSync(this.#folder, {recursive: true});
  }
}

storeConformance('SQLite', () => new SqlitePlace());

describe('openSqliteStore', () => {
  let folder = '';
  let file = '';
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'godel-store-'));
    file = join(folder, 'store.db');
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  it('makes the file readable for its owner alone, also one that was not', () => {
    opened(file).close();
    expect(statSync(file).mode & 0o777).toBe(0o600);
    chmodSync(file, 0o644);
    using store = opened(file);
    store.commit([some.event(null)]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(statSync(`${file}-wal`).mode & 0o777).toBe(0o600);
  });

  it('refuses a store that is open, until it is closed', () => {
    const first = opened(file);
    expect(refused(file)).toMatchObject({
      reason: 'store-unusable',
      path: file,
      detail: expect.stringContaining('another process'),
      hint: expect.stringContaining('godel daemon'),
    });
    first.commit([some.event(null)]);
    expect(refused(file).detail).toContain('another process');
    first.close();
    first.close();
    opened(file).close();
  });

  it('refuses a store written by a newer program and leaves it as it is', () => {
    opened(file).close();
    alter(file, 'PRAGMA user_version = 99');
    const before = readFileSync(file);
    expect(refused(file)).toMatchObject({
      detail: expect.stringContaining('schema 99'),
      hint: expect.stringContaining('Update godel'),
    });
    expect(readFileSync(file)).toEqual(before);
  });

  it('goes on with a store of an older program: attempts count on where they were', () => {
    alter(file, FIRST_SCHEMA);
    alter(file, AGENTS_SCHEMA);
    alter(file, `PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = 2`);
    const {plan, env, ...rest} = some.spec();
    const text = (value: unknown) => `'${JSON.stringify(value)}'`;
    alter(
      file,
      `INSERT INTO teams (id, state, started_at_ms, started_mono_ms, started_boot, has_plan, spec)
         VALUES (1, 'running', 1, 2, 'boot', 1, ${text(rest)});
       INSERT INTO team_plans (team, plan, env) VALUES (1, ${text(plan)}, ${text(env)});
       INSERT INTO tasks (team, seq, id, spec_index) VALUES (1, 0, 'check', 0), (1, 1, 'other', 0);
       INSERT INTO task_states (team, seq, state, failures, losses) VALUES (1, 0, 0, 1, 1), (1, 1, 0, 0, 0);
       INSERT INTO attempts (team, id, task, number, agent, host, leased_at_ms, ended_at_ms)
         VALUES (1, 1, 0, 1, 'audit-01', 'h', 1, 2), (1, 2, 0, 2, 'audit-01', 'h', 3, 4)`,
    );
    using store = opened(file);
    expect(store.load().teams).toMatchObject([
      {
        isStandby: false,
        agents: [],
        tasks: [
          {round: 1, attempts: 2, failures: 1},
          {round: 1, attempts: 0},
        ],
      },
    ]);
  });

  it("refuses another program's database and leaves it as it is", () => {
    alter(file, 'CREATE TABLE theirs (x)');
    const before = readFileSync(file);
    expect(refused(file).detail).toContain("another program's database");
    expect(readFileSync(file)).toEqual(before);
  });

  it.each(['NFS:26985', 'CIFS:4283649346', 'CIFS:-11317950', '9p:16914839', 'AFS:1397113167'])(
    'refuses a folder on a network file system (%s)',
    nameAndType => {
      const [name, type] = nameAndType.split(':');
      const found = openSqliteStore({file, filesystemType: () => Number(type)});
      expect(found).toMatchObject({ok: false, failure: {detail: expect.stringContaining(`(${name})`)}});
    },
  );

  it('refuses what is not a database, a folder, and a folder that does not exist', () => {
    writeFileSync(file, 'x'.repeat(5000));
    expect(refused(file)).toMatchObject({detail: expect.stringContaining('not a database'), path: file});
    mkdirSync(join(folder, 'sub.db'));
    expect(refused(join(folder, 'sub.db')).detail).toContain('is a folder');
    expect(refused(join(folder, 'none', 'store.db')).hint).toContain('exists');
  });

  it('says that a damaged store is damaged, when it opens it or when it reads it', () => {
    using store = opened(file);
    store.commit([
      some.created(1),
      some.tasksCreated(
        1,
        Array.from({length: 5000}, (_, seq) => some.task(seq)),
      ),
    ]);
    store.close();
    const bytes = readFileSync(file);
    bytes.fill(0xab, 4096 * 4);
    writeFileSync(file, bytes);
    expect(() => {
      using damaged = openSqliteStoreOrThrow(file);
      damaged.load();
      damaged.tasks(1 as never);
    }).toThrow(expect.objectContaining({failure: expect.objectContaining({reason: 'store-unusable', path: file})}));
  });

  it('takes an empty file for a new store', () => {
    writeFileSync(file, '');
    using store = opened(file);
    expect(store.load()).toEqual({nextTeamId: 1, nextAttemptId: 1, hosts: [], teams: [], over: []});
  });
});

function opened(file: string): Store {
  const found = openSqliteStore({file});
  if (!found.ok) throw new Error(JSON.stringify(found.failure));
  return found.value;
}

function openSqliteStoreOrThrow(file: string): Store {
  const found = openSqliteStore({file});
  if (!found.ok) throw Object.assign(new Error('refused'), {failure: found.failure});
  return found.value;
}

function refused(file: string): Extract<Failure, {reason: 'store-unusable'}> {
  const found = openSqliteStore({file});
  if (found.ok || found.failure.reason !== 'store-unusable') throw new Error('was not refused');
  return found.failure;
}

function alter(file: string, sql: string): void {
  const db = new Database(file);
  db.exec(sql);
  db.close();
}
