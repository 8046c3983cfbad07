import {rmSync} from 'node:fs';
import {createConnection, createServer, type Socket} from 'node:net';
import {type Failure, failureOf} from '../../model/failure.ts';
import type {HubStats} from '../../wire/hub-protocol.ts';
import {makePrivateFolder} from '../security/private-file.ts';
import type {KeysWanted} from '../server/parts/compose-hub.ts';
import type {RotatedKey} from '../server/parts/data-keys.ts';
import type {HubFolder} from '../server/parts/hub-folder.ts';
import type {RecordsWanted, SessionRecordsWanted} from '../server/parts/records-wanted.ts';
import type {AgentTrust} from '../server/parts/recall-rules.ts';
import type {AuditRow} from '../server/store/audit-log.ts';
import type {ListedKey} from '../server/store/credentials.ts';
import type {SessionRow} from '../server/store/sessions.ts';
import type {VerifyReport} from '../server/store/verify.ts';

/** What the operator of a hub asks of it, from the same machine and as the same user. */
export type ControlRequest =
  | {readonly do: 'stats'}
  | {readonly do: 'backup'; readonly file: string}
  | {readonly do: 'list-keys'; readonly wanted: KeysWanted}
  | {readonly do: 'audit'; readonly wanted: RecordsWanted}
  | {readonly do: 'sessions'; readonly wanted: SessionRecordsWanted}
  | ({readonly do: 'remove-keys'} & KeysDoomed)
  /** null: of all tenants. */
  | {readonly do: 'rotate-data-keys'; readonly tenantId: string | null}
  /** Base64; nobody else can enter the folder of the socket. */
  | {readonly do: 'rewrap-data-keys'; readonly key: string};

/** Of one agent; `publicKey` null: all of them. */
export interface KeysDoomed {
  readonly tenantId: string;
  readonly agentId: string;
  readonly publicKey: string | null;
}

export type ControlAnswer =
  | {readonly kind: 'stats'; readonly stats: HubStats; readonly trust: readonly AgentTrust[]}
  | {readonly kind: 'backup'; readonly report: VerifyReport}
  | {readonly kind: 'audit'; readonly rows: readonly AuditRow[]}
  | {readonly kind: 'sessions'; readonly sessions: readonly SessionRow[]}
  | {readonly kind: 'keys'; readonly keys: readonly ListedKey[]}
  | {readonly kind: 'removed'; readonly publicKeys: readonly string[]}
  | {readonly kind: 'rotated'; readonly keys: readonly RotatedKey[]}
  | {readonly kind: 'rewrapped'; readonly count: number}
  | {readonly kind: 'failed'; readonly failure: Failure};

const MAX_REQUEST_CHARS = 10_000;
const REQUEST_MS = 5000;
const MAX_ASKERS = 10;

/** Answers one line of JSON per connection with one line, at a socket in a folder that nobody else can enter. */
export async function listenForControl(
  {folder, socket}: HubFolder['control'],
  answer: (request: ControlRequest) => Promise<ControlAnswer>,
): Promise<{close(): Promise<void>}> {
  makePrivateFolder(folder);
  // Of a hub that was killed: whoever has the database open is the only one here.
  rmSync(socket, {force: true});
  const open = new Set<Socket>();
  const server = createServer(connection => {
    open.add(connection);
    connection.on('close', () => open.delete(connection));
    connection.on('error', () => connection.destroy());
    connection.setTimeout(REQUEST_MS, () => connection.destroy());
    let text = '';
    connection.setEncoding('utf8').on('data', (part: string) => {
      if (text.includes('\n')) return;
      text += part;
      if (text.length > MAX_REQUEST_CHARS) connection.destroy();
      if (!text.includes('\n')) return;
      // A backup takes as long as it takes.
      connection.setTimeout(0);
      void answered(text, answer).then(line => connection.end(line));
    });
  });
  server.maxConnections = MAX_ASKERS;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(socket, resolve);
  });
  return {
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve());
        for (const connection of open) connection.destroy();
      }),
  };
}

/** Nobody listens, or whoever did was killed before it had answered. */
const AWAY: ReadonlySet<unknown> = new Set(['ENOENT', 'ECONNREFUSED', 'ECONNRESET', 'EPIPE']);

/** The answer of the hub that runs there; null: none does. */
export function askHub({socket}: HubFolder['control'], request: ControlRequest): Promise<ControlAnswer | null> {
  return new Promise((resolve, reject) => {
    let text = '';
    const connection = createConnection({path: socket});
    connection.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    connection.once('connect', () => connection.write(`${JSON.stringify(request)}\n`));
    connection.once('error', error => {
      if ('code' in error && AWAY.has(error.code)) resolve(null);
      else reject(error);
    });
    // Written by `listenForControl`, of a process of the same user; without its end the line was cut off.
    connection.once('close', () => resolve(text.endsWith('\n') ? (JSON.parse(text) as ControlAnswer) : null));
  });
}

/** What says only what is wanted. */
const WANTING: ReadonlySet<unknown> = new Set(['list-keys', 'audit', 'sessions']);

async function answered(text: string, answer: (request: ControlRequest) => Promise<ControlAnswer>): Promise<string> {
  let said: ControlAnswer;
  try {
    said = await answer(read(text));
  } catch (error) {
    said = {kind: 'failed', failure: failureOf(error)};
  }
  return `${JSON.stringify(said)}\n`;
}

function read(text: string): ControlRequest {
  const value: unknown = JSON.parse(text);
  if (typeof value === 'object' && value !== null && 'do' in value) {
    if (value.do === 'stats') return {do: 'stats'};
    if (value.do === 'backup' && 'file' in value && typeof value.file === 'string')
      return {do: 'backup', file: value.file};
    // From a process of the same user and program; the store takes texts as they are.
    if (WANTING.has(value.do) && 'wanted' in value) return value as ControlRequest;
    if (value.do === 'remove-keys' && 'publicKey' in value) return value as ControlRequest;
    if (value.do === 'rotate-data-keys' && 'tenantId' in value) return value as ControlRequest;
    if (value.do === 'rewrap-data-keys' && 'key' in value) return value as ControlRequest;
  }
  throw new Error('this hub does not know that request; hub and command line are of different versions');
}
