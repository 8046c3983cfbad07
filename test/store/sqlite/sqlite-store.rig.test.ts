import {type ChildProcess, spawn, spawnSync} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createInterface} from 'node:readline';
import {afterEach, beforeEach, describe, expect, it} from 'vitest';
import {GodelError} from '../../../src/model/failure.ts';
import {teamId} from '../../../src/model/ids.ts';
import {openSqliteStore} from '../../../src/store/sqlite/sqlite-store.ts';
import type {Store} from '../../../src/store/store.ts';
import {batch, firstBatch} from './numbered-batches.ts';

const CHILD = new URL('committing-child.ts', import.meta.url).pathname;
const T1 = teamId(1);

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-store-'));
  file = join(folder, 'store.db');
});
afterEach(() => rmSync(folder, {recursive: true}));

describe('a store whose process is killed', () => {
  it('has everything that was acknowledged, in five rounds of kill -9', async () => {
    let acknowledged = 0;
    for (let round = 0; round < 5; round += 1) {
      const goal = acknowledged + 20 + Math.floor(Math.random() * 400);
      acknowledged = await commitUntil(goal);
      using store = opened();
      const count = expectWholeBatches(store);
      expect(count).toBeGreaterThanOrEqual(acknowledged);
      expect(count).toBeLessThanOrEqual(acknowledged + 1);
      acknowledged = count;
    }
  });

  it('is refused to a second process while the first one lives, and free as soon as it is dead', async () => {
    const {child, numbers} = startChild();
    await numbers.next();
    expect(openSqliteStore({file})).toMatchObject({
      ok: false,
      failure: {reason: 'store-unusable', detail: expect.stringContaining('another process')},
    });
    await kill(child);
    opened().close();
  });
});

describe('a store that cannot grow', () => {
  it('fails with advice at a file size limit, and has whole batches when there is room again', async () => {
    const limited = `trap '' XFSZ; ulimit -f 2000; exec "$@"`;
    const {child, numbers} = startChild(['bash', '-c', limited, 'bash']);
    const lines: string[] = [];
    for await (const line of numbers) lines.push(line);
    await ended(child);
    const failure: unknown = JSON.parse(lines.pop() ?? '');
    expect(failure).toMatchObject({reason: 'store-unusable', path: file, hint: expect.stringContaining(file)});
    using store = opened();
    expect(expectWholeBatches(store)).toBe(lines.length);
    expect(store.commit(batch(lines.length + 1))).toHaveLength(1);
  });

  it.skipIf(!canMount())('fails at a full disk with the batch undone, so that it can be committed again', () => {
    using disk = new SmallDisk(folder);
    const filler = join(disk.folder, 'filler');
    writeFileSync(filler, Buffer.alloc(1024 * 1024));
    file = join(disk.folder, 'store.db');
    using store = opened();
    store.commit(firstBatch);
    const [failed, error] = commitUntilItFails(store);
    expect(error).toMatchObject({
      failure: {reason: 'store-unusable', path: file, detail: expect.stringContaining('disk is full')},
    });
    expect(expectWholeBatches(store)).toBe(failed - 1);
    expect(() => store.commit(batch(failed))).toThrow(GodelError);
    rmSync(filler);
    expect(store.commit(batch(failed))).toMatchObject([{cursor: failed, seq: failed}]);
    store.close();
    using again = opened();
    expect(expectWholeBatches(again)).toBe(failed);
  });

  it.skipIf(!canMount())('is refused with advice where nothing can be written', () => {
    using disk = new SmallDisk(folder);
    file = join(disk.folder, 'store.db');
    opened().close();
    disk.remount('ro');
    for (const name of ['store.db', 'new.db']) {
      const path = join(disk.folder, name);
      const failure = {reason: 'store-unusable', path, hint: expect.stringContaining('writable')};
      expect(openSqliteStore({file: path})).toMatchObject({ok: false, failure});
    }
  });

  it.skipIf(process.getuid?.() === 0)('is refused with advice where its user may not write', () => {
    opened().close();
    spawnSync('chmod', ['500', folder]);
    const found = openSqliteStore({file});
    spawnSync('chmod', ['700', folder]);
    expect(found).toMatchObject({ok: false, failure: {reason: 'store-unusable', path: file}});
  });
});

/** A file system of two megabytes of its own. */
class SmallDisk implements Disposable {
  readonly folder: string;

  constructor(parent: string) {
    this.folder = mkdtempSync(join(parent, 'disk-'));
    run('mount', '-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', this.folder);
  }

  remount(mode: 'ro' | 'rw'): void {
    run('mount', '-o', `remount,${mode}`, this.folder);
  }

  [Symbol.dispose](): void {
    run('umount', '--lazy', this.folder);
  }
}

function canMount(): boolean {
  const folder = mkdtempSync(join(tmpdir(), 'godel-mount-'));
  try {
    run('mount', '-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', folder);
    run('umount', folder);
    return true;
  } catch {
    // Only the superuser may mount; the tests that need it show as skipped.
    return false;
  } finally {
    rmSync(folder, {recursive: true});
  }
}

function run(command: string, ...args: string[]): void {
  const {status, stderr} = spawnSync(command, args, {encoding: 'utf8'});
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${stderr}`);
}

function opened(): Store {
  const found = openSqliteStore({file});
  if (!found.ok) throw new Error(JSON.stringify(found.failure));
  return found.value;
}

function startChild(wrapper: readonly string[] = []) {
  const [command, ...args] = [...wrapper, process.execPath, '--import', 'tsx', CHILD, file];
  const child = spawn(command, args, {stdio: ['ignore', 'pipe', 'inherit']});
  return {child, numbers: createInterface({input: child.stdout})[Symbol.asyncIterator]()};
}

/** Lets a child commit until it has acknowledged `goal` and kills it there; returns the last number it printed. */
async function commitUntil(goal: number): Promise<number> {
  const {child, numbers} = startChild();
  let last = 0;
  for await (const line of numbers) {
    last = Number(line);
    if (last >= goal) child.kill('SIGKILL');
  }
  await ended(child);
  expect(last).toBeGreaterThanOrEqual(goal);
  return last;
}

async function kill(child: ChildProcess): Promise<void> {
  child.kill('SIGKILL');
  await ended(child);
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
}

function commitUntilItFails(store: Store): [number, unknown] {
  for (let number = 1; ; number += 1) {
    try {
      store.commit(batch(number));
    } catch (error) {
      return [number, error];
    }
  }
}

/** How many batches there are, each of them whole. */
function expectWholeBatches(store: Store): number {
  const events = store.events({after: 0, limit: 1_000_000});
  const attempts = store.attempts(T1);
  const tasks = store.tasks(T1);
  expect(tasks).toHaveLength(events.length);
  expect(attempts).toHaveLength(events.length);
  for (const [index, event] of events.entries()) {
    expect(event).toMatchObject({cursor: index + 1, seq: index + 1});
    expect(tasks[index]).toMatchObject({seq: index + 1, state: {name: 'succeeded'}});
    expect(attempts[index]).toMatchObject({id: index + 1, outcome: {durationMs: 12}});
  }
  return events.length;
}
