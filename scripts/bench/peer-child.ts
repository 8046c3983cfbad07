import {type ChildProcess, execFileSync, fork} from 'node:child_process';
import {createHash} from 'node:crypto';
import {once} from 'node:events';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import Database from 'better-sqlite3';

const PEER = {name: 'agentic-flow', version: '1.10.2'};
const INTEGRITY = 'sha512-h3d1KNUFkmdFdtjwn792/MPqYrEf7OId2LIIXlJDGM4epx0Vcm5FQ+ROrjxWDE04xgG3AHQ5dNynxPTDdkC7RA==';
/** All that its hub imports. Both hubs have the same, those of this repository. */
const SHARED = ['ws', 'better-sqlite3'];
const NODE_MODULES = join(import.meta.dirname, '..', '..', 'node_modules');

export const PEER_NAME = `${PEER.name} ${PEER.version}`;

/** Fetches the package from the npm registry into a folder of temporary files, once, and runs nothing of it. */
function fetchedPeer(): string {
  const folder = join(tmpdir(), `godel-bench-${PEER.name}-${PEER.version}`);
  if (existsSync(folder)) return folder;
  const making = mkdtempSync(`${folder}-`);
  try {
    const options = {cwd: making};
    execFileSync('npm', ['pack', `${PEER.name}@${PEER.version}`, '--silent'], options);
    const file = join(making, `${PEER.name}-${PEER.version}.tgz`);
    const integrity = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
    if (integrity !== INTEGRITY) throw new Error(`${PEER_NAME} from the registry is another one: ${integrity}`);
    execFileSync('tar', ['-xzf', file], options);
    rmSync(file);
    mkdirSync(join(making, 'node_modules'));
    for (const name of SHARED) symlinkSync(join(NODE_MODULES, name), join(making, 'node_modules', name));
    renameSync(making, folder);
  } finally {
    rmSync(making, {recursive: true, force: true});
  }
  return folder;
}

/** The peer's hub as a process of its own, over a database in a file. */
export class PeerChild implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, port: number) {
    this.#child = child;
    this.#folder = folder;
    this.url = `ws://127.0.0.1:${port}/`;
  }

  static async start(how: 'as-shipped' | 'at-its-best'): Promise<PeerChild> {
    const folder = mkdtempSync(join(tmpdir(), 'godel-bench-peer-'));
    const child = fork(
      join(import.meta.dirname, 'peer-hub.mjs'),
      [fetchedPeer(), join(folder, 'hub.db'), how],
      // It writes a line for each episode that it cannot store.
      {stdio: ['ignore', 'ignore', 'inherit', 'ipc'], execArgv: []},
    );
    const ended = once(child, 'exit').then(() => {
      throw new Error(`the hub of ${PEER_NAME} has ended before it listened`);
    });
    // What the child sends first.
    const [port] = (await Promise.race([once(child, 'message'), ended])) as [number];
    ended.catch(() => undefined);
    return new PeerChild(child, folder, port);
  }

  async cpuSeconds(): Promise<number> {
    this.#child.send('usage');
    // What the child answers.
    const [seconds] = (await once(this.#child, 'message')) as [number];
    return seconds;
  }

  /** Episodes in its database. */
  stored(): number {
    const db = new Database(join(this.#folder, 'hub.db'), {readonly: true});
    try {
      return db.prepare<[], number>('SELECT count(*) FROM episodes').pluck().get() ?? 0;
    } finally {
      db.close();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
    rmSync(this.#folder, {recursive: true});
  }
}
