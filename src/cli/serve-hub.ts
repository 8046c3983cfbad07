import {dirname, join} from 'node:path';
import {embedderSettings} from '../hub/process/embedder-words.ts';
import {type HubEvent, runHub} from '../hub/process/run-hub.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {Cli} from './cli.ts';
import {hubEventText} from './hub-event-text.ts';
import {type HubOptions, pathOf} from './hub-options.ts';
import type {MasterKeyOptions} from './master-key-options.ts';
import {masterKeysOf} from './master-keys-of.ts';

export interface ServeOptions extends HubOptions, MasterKeyOptions {
  readonly port: number;
  readonly host: string;
  readonly tlsCert?: string;
  readonly tlsKey?: string;
  readonly clientCa?: string;
  /** Durations in milliseconds. */
  readonly backupEvery?: number;
  readonly backupFolder?: string;
  readonly backupKeep: number;
  readonly maxAgents: number;
  readonly syncInterval?: number;
  readonly quorum: number;
  readonly requireSignatures: boolean;
  readonly keep?: number;
  readonly maxEpisodes?: number;
  readonly merge: 'on' | 'off';
  readonly consolidate?: number;
  readonly embedder: string;
  readonly embedderUrl?: string;
  readonly embedderModel?: string;
  readonly embedderKeyEnv?: string;
  readonly embedderDimensions?: number;
}

/** Runs until it is interrupted. */
export async function serveHub(cli: Cli, options: ServeOptions): Promise<ExitKind> {
  const {port, host, quorum, requireSignatures, maxAgents, syncInterval, keep, maxEpisodes} = options;
  const dbPath = pathOf(cli, options.db);
  const {print} = cli;
  // It would be taken for every address of this machine.
  if (host.trim() === '')
    throw new GodelError({reason: 'usage', message: '--host is empty. Give an address, or leave it out'});
  const backups = backupsOf(cli, options, dbPath);
  // From here on Ctrl-C ends it in order, also while it starts.
  const interrupted = new Promise<() => void>(resolve => {
    const forget = cli.interrupts.listen(() => resolve(forget));
  });
  const running = await runHub({
    port,
    host,
    dbPath,
    quorum,
    requireSignatures,
    maxAgents,
    ...(syncInterval !== undefined && {syncInterval}),
    tls: tlsOf(cli, options),
    masterKeys: masterKeysOf(cli, options),
    embedder: embedderSettings({
      kind: options.embedder,
      url: options.embedderUrl,
      model: options.embedderModel,
      keyEnv: options.embedderKeyEnv,
      dimensions: options.embedderDimensions,
    }),
    merge: options.merge === 'on',
    ...(options.consolidate !== undefined && {consolidate: options.consolidate}),
    retention: {lifetimeMs: keep ?? null, maxEpisodes: maxEpisodes ?? null},
    ...(backups !== null && {backups}),
    version: GODEL_VERSION,
    onEvent: noteEvents(cli),
  });
  const {note} = running;
  if (print.json === 'none') {
    print.line(`The hub listens at ${note.url}, over ${dbPath}. Ctrl-C ends it.`);
    const db = options.db === './hub-memory.db' ? '' : ` --db ${options.db}`;
    print.line(`A token for an agent: godel hub token create --agent NAME --tenant NAME${db}`);
  } else {
    print.value({v: 1, hub: note});
  }
  if (options.tlsCert === undefined && !LOOPBACK.test(host)) {
    print.note('Others can read tokens and memories on the line: use --tls-cert and --tls-key, see `godel hub cert`.');
  }
  const forget = await interrupted;
  // The second time it ends at once.
  forget();
  print.note('The hub ends.');
  await running.stop();
  return 'ok';
}

const LOOPBACK = /^(?:127\.[\d.]+|::1|localhost)$/;
/** The same again is told only after so many milliseconds. */
const REPEAT_MS = 10_000;

function noteEvents({print}: Cli): (event: HubEvent) => void {
  let last = {text: '', atMs: 0};
  return event => {
    const text = hubEventText(event);
    const atMs = Date.now();
    if (text === null || (text === last.text && atMs - last.atMs < REPEAT_MS)) return;
    last = {text, atMs};
    print.note(`${new Date(atMs).toISOString()} ${text}`);
  };
}

function tlsOf(cli: Cli, {tlsCert, tlsKey, clientCa}: ServeOptions) {
  if (tlsCert === undefined && tlsKey === undefined && clientCa === undefined) return null;
  if (tlsCert === undefined || tlsKey === undefined) {
    const hint = 'Give --tls-cert and --tls-key; `godel hub cert issue --server` makes both.';
    throw new GodelError({reason: 'usage', message: 'TLS needs a certificate and its key', hint});
  }
  return {
    cert: pathOf(cli, tlsCert),
    key: pathOf(cli, tlsKey),
    clientCa: clientCa === undefined ? null : pathOf(cli, clientCa),
  };
}

function backupsOf(cli: Cli, {backupEvery, backupFolder, backupKeep}: ServeOptions, dbPath: string) {
  if (backupEvery === undefined) {
    if (backupFolder === undefined) return null;
    const hint = 'For example --backup-every 1d.';
    throw new GodelError({reason: 'usage', message: '--backup-folder says where, but not how often', hint});
  }
  const folder = backupFolder === undefined ? join(dirname(dbPath), 'backups') : pathOf(cli, backupFolder);
  return {everyMs: backupEvery, folder, keep: backupKeep};
}
