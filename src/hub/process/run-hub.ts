import {rmSync} from 'node:fs';
import {never} from '../../base/never.ts';
import {HUB_PATH, type HubStats} from '../../wire/hub-protocol.ts';
import type {EmbedderSettings} from '../recall/open-embedder.ts';
import {masterKey} from '../security/master-key.ts';
import {readPrivateFile, writePrivateFile} from '../security/private-file.ts';
import {FederationHubServer, type FederationHubServerOptions} from '../server/federation-hub-server.ts';
import type {HubEvent} from '../server/hub-parts.ts';
import {type HubFolder, hubFolder} from '../server/parts/hub-folder.ts';
import type {AgentTrust} from '../server/parts/recall-rules.ts';
import {askHub, type ControlAnswer, type ControlRequest, listenForControl} from './control.ts';
import {told} from './hub-failure.ts';
import {type MasterKeySources, sealingOf} from './master-keys.ts';
import {TlsFiles, type TlsPaths} from './tls-files.ts';

export interface HubRun
  extends Pick<
    FederationHubServerOptions,
    'quorum' | 'retention' | 'merge' | 'consolidate' | 'backups' | 'maxAgents' | 'syncInterval' | 'requireSignatures'
  > {
  readonly port: number;
  readonly host: string;
  /** Absolute. */
  readonly dbPath: string;
  readonly tls: TlsPaths | null;
  /** null: nothing is sealed. */
  readonly masterKeys: MasterKeySources | null;
  readonly embedder: EmbedderSettings;
  readonly version: string;
  readonly onEvent: (event: HubEvent) => void;
}

/** What a hub that runs says of itself in the folder of its keys. */
export interface RunningNote {
  readonly pid: number;
  /** For clients. */
  readonly url: string;
  readonly dbPath: string;
  readonly version: string;
  /** Unix epoch, milliseconds. */
  readonly startedAtMs: number;
}

export interface RunningHub {
  readonly note: RunningNote;
  readonly hub: FederationHubServer;
  /** Ends in order: what was taken is answered and on the disk. */
  stop(): Promise<void>;
}

/** How often files of TLS are looked at, in milliseconds. */
const TLS_LOOK_MS = 1000;

/** Starts a hub with all that belongs to a process of its own. Rejects with a `GodelError` that says what to do. */
export function runHub(run: HubRun): Promise<RunningHub> {
  const {host, port, dbPath} = run;
  return told({where: dbPath, host, port}, () => start(run));
}

async function start(run: HubRun): Promise<RunningHub> {
  const {dbPath, host, tls: paths, masterKeys, version, onEvent, ...rest} = run;
  const folder = hubFolder(dbPath);
  const files = paths === null ? null : new TlsFiles(paths);
  const hub = new FederationHubServer({
    ...rest,
    host,
    dbPath,
    onEvent,
    ...(files !== null && {tls: files.read()}),
    ...(masterKeys !== null && {sealing: await sealingOf(masterKeys)}),
  });
  await hub.start();
  const port = hub.address?.port ?? 0;
  const url = `${files === null ? 'ws' : 'wss'}://${host.includes(':') ? `[${host}]` : host}:${port}${HUB_PATH}`;
  const note: RunningNote = {pid: process.pid, url, dbPath, version, startedAtMs: Date.now()};
  let control: {close(): Promise<void>};
  try {
    control = await listenForControl(folder.control, request => answer(hub, request));
    writePrivateFile(folder.running, `${JSON.stringify(note)}\n`);
  } catch (error) {
    await hub.stop();
    throw error;
  }
  const looking = files === null ? undefined : setInterval(() => renew(hub, files, onEvent), TLS_LOOK_MS).unref();
  return {
    note,
    hub,
    async stop() {
      clearInterval(looking);
      await control.close();
      await hub.stop();
      rmSync(folder.running, {force: true});
    },
  };
}

export interface HubStanding {
  readonly note: RunningNote;
  readonly stats: HubStats;
  /** Of the 100 agents that are trusted least. */
  readonly trust: readonly AgentTrust[];
}

/** What runs over a database, asked itself; null: no hub does. */
export async function runningHub(dbPath: string): Promise<HubStanding | null> {
  const folder = hubFolder(dbPath);
  const answered = await askHub(folder.control, {do: 'stats'});
  const note = readNote(folder);
  if (answered?.kind !== 'stats' || note === null) return null;
  const {stats, trust} = answered;
  return {note, stats, trust};
}

async function answer(hub: FederationHubServer, request: ControlRequest): Promise<ControlAnswer> {
  switch (request.do) {
    case 'stats':
      return {kind: 'stats', stats: hub.getStats(), trust: hub.getTrust()};
    case 'audit':
      return {kind: 'audit', rows: hub.getAudit(request.wanted)};
    case 'sessions':
      return {kind: 'sessions', sessions: hub.getSessions(request.wanted)};
    case 'list-keys':
      return {kind: 'keys', keys: hub.listKeys(request.wanted)};
    case 'remove-keys':
      return {kind: 'removed', publicKeys: hub.removeKeys(request, request.publicKey)};
    case 'rotate-data-keys':
      return {kind: 'rotated', keys: hub.rotateDataKeys(request.tenantId)};
    case 'rewrap-data-keys':
      return {kind: 'rewrapped', count: hub.rewrapDataKeys(masterKey(Buffer.from(request.key, 'base64')))};
    case 'backup': {
      const made = await hub.backup(request.file);
      return made.ok ? {kind: 'backup', report: made.value} : {kind: 'failed', failure: made.failure};
    }
    default:
      return never(request);
  }
}

function renew(hub: FederationHubServer, files: TlsFiles, onEvent: (event: HubEvent) => void): void {
  try {
    const changed = files.changed();
    if (changed !== null) hub.renewTls(changed);
  } catch (error) {
    const detail = error instanceof Error ? error.message : String(error);
    onEvent({kind: 'upkeep-failed', what: 'certificates', detail});
  }
}

function readNote({running}: HubFolder): RunningNote | null {
  const text = readPrivateFile(running);
  // Written by `start`, in a folder that is ours alone.
  return text === null ? null : (JSON.parse(text) as RunningNote);
}

export type {HubEvent};
