import {spawnSync} from 'node:child_process';
import {rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {FederationHub} from '../../src/hub/client/federation-hub.ts';
import {formatStamp} from '../../src/hub/replica/hybrid-clock.ts';
import type {Episode} from '../../src/model/episode.ts';
import {ServedHubRig} from '../hub/process/served-hub.ts';
import {episode, pushOf, type RawClient} from '../hub/server/hub-rig.ts';
import {until} from '../rig/until.ts';
import {SiegeLedger} from './siege-ledger.ts';

const DISK_MIB = 32;
const FILLER_MIB = 16;
const EPISODE_BYTES = 40_000;
const REFUSED_PUSHES = 20;
const MIB = 2 ** 20;

export interface DiskFullReport {
  /** Taken until there was no room. */
  readonly before: number;
  readonly refused: number;
  /** Pulls, searches and single episodes that were answered while there was none. */
  readonly read: number;
  /** Taken once there was room again. */
  readonly after: number;
}

/** Whether a disk of our own can be had here, to be filled. */
export function canMount(): boolean {
  return spawnSync('unshare', ['--mount', 'mount', '-t', 'tmpfs', 'tmpfs', '/mnt']).status === 0;
}

/**
 * A hub on a disk that becomes full: pushes are refused so that they can be tried again, with nothing of them kept, while reading goes on;
 * once there is room the same pushes are taken, and a client of the library goes on by itself. Throws where it is not so.
 */
export async function hubDiskFull(): Promise<DiskFullReport> {
  await using rig = new ServedHubRig();
  using disk = new FullableDisk(rig.folder);
  // What it merges by itself would be counted too.
  const {url, child, ended} = await rig.serve('--merge', 'off');
  const ledger = new SiegeLedger();
  const client = await rig.join(url, await rig.token('writer'));
  await using library = new FederationHub({
    endpoint: url,
    agentId: 'library',
    tenantId: 't1',
    token: await rig.token('library'),
  });
  await library.connect();
  let before = 0;
  let turnedAway: Episode;
  for (;;) {
    const next = large();
    const answer = await push(client, next, ledger);
    if (answer === 'refused') {
      turnedAway = next;
      break;
    }
    before += 1;
  }
  for (let refused = 1; refused < REFUSED_PUSHES; refused += 1) {
    if ((await push(client, turnedAway, ledger)) !== 'refused') throw new Error('a push was taken by a full disk');
  }
  const waiting = await library.db.storeEpisode({task: 'x'.repeat(EPISODE_BYTES), reward: 1});
  await until('the library is refused', async () => {
    await library.syncQuietly();
    return library.getSyncStats().lastError?.code === 'disk-full';
  });
  const read = await readAll(client, ledger);
  disk.makeRoom();
  const after = [turnedAway, ...Array.from({length: 20}, large)];
  for (const each of after) {
    if ((await push(client, each, ledger)) === 'refused') throw new Error('a push was refused though there is room');
  }
  await library.sync();
  ledger.synced(waiting);
  const entries = await ledger.compare(ledger.promised(), since =>
    client.ask('entries', {type: 'pull', since, limit: 1000}),
  );
  if (entries !== before + after.length + 1) throw new Error(`${entries} entries, with ${before} before`);
  await library.close();
  child.kill('SIGINT');
  const {code, stderr} = await ended;
  if (code !== 0) throw new Error(`the hub ended with ${String(code)}: ${stderr}`);
  const verified = JSON.stringify(await rig.json('verify'));
  if (!verified.includes('"findings":[]')) throw new Error(verified);
  return {before, refused: REFUSED_PUSHES, read, after: after.length + 1};
}

/** Mounted over a folder that nobody has open yet. */
class FullableDisk implements Disposable {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
    const {status, stderr} = spawnSync('mount', ['-t', 'tmpfs', '-o', `size=${DISK_MIB}m`, 'tmpfs', folder]);
    if (status !== 0) throw new Error(`no disk of our own: ${stderr.toString()}`);
    writeFileSync(this.#filler, Buffer.alloc(FILLER_MIB * MIB));
  }

  makeRoom(): void {
    rmSync(this.#filler);
  }

  [Symbol.dispose](): void {
    spawnSync('umount', ['-l', this.#folder]);
  }

  get #filler(): string {
    return join(this.#folder, 'filler');
  }
}

async function push(client: RawClient, each: Episode, ledger: SiegeLedger): Promise<'taken' | 'refused'> {
  const answer = await client.answer(pushOf(each));
  client.frames.splice(client.frames.indexOf(answer), 1);
  if (answer.type === 'pushed') {
    ledger.answered(answer.results, {again: false, head: 0});
    return 'taken';
  }
  if (answer.type !== 'error' || answer.code !== 'disk-full' || answer.retryAfterMs === null) {
    throw new Error(`a push to a full disk was answered ${JSON.stringify(answer)}`);
  }
  return 'refused';
}

/** How many questions were answered. */
async function readAll(client: RawClient, ledger: SiegeLedger): Promise<number> {
  let asked = 0;
  await ledger.compare(ledger.promised(), since => {
    asked += 1;
    return client.ask('entries', {type: 'pull', since, limit: 20});
  });
  const {memories} = await client.ask('recalled', {type: 'recall', query: 'make tests pass', k: 5});
  const [first] = memories;
  if (first === undefined) throw new Error('nothing is found while the disk is full');
  await client.ask('episode', {type: 'get', episode: first.episode.id});
  await client.ask('agents', {type: 'who'});
  return asked + 3;
}

function large(): Episode {
  const at = formatStamp({ms: Date.now(), counter: 0, node: 'writer'});
  return episode('writer', {at, output: 'x'.repeat(EPISODE_BYTES)});
}
