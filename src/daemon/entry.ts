import {closeSync, writeSync} from 'node:fs';
import {homedir} from 'node:os';
import {parseArgs} from 'node:util';
import {loadSettings} from '../config/load-settings.ts';
import {type Failure, failureOf} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import {DAEMON_EXIT, formatStartMessage, type StartMessage} from '../project/daemon-start.ts';
import {prepareFolders} from '../project/prepare-folders.ts';
import {projectPaths} from '../project/project-paths.ts';
import {openSqliteStore} from '../store/sqlite/sqlite-store.ts';
import {isStoreTaken, startDaemon} from './compose.ts';
import {type Log, openLog} from './log.ts';

/** Ending takes at most as long as hosts may take to end; then the rest is left to the next daemon. */
const END_LIMIT_MS = 60_000;

/**
 *     node dist/daemon.js PROJECT [--ready-fd N]
 *
 * With `--ready-fd` it writes one line about its start to that file descriptor and closes it; see `daemon-start.ts`.
 */
async function main(): Promise<void> {
  const {values, positionals} = parseArgs({allowPositionals: true, options: {'ready-fd': {type: 'string'}}});
  const folder = positionals[0];
  if (folder === undefined) throw new Error('the project folder is missing');
  const tellLauncher = teller(values['ready-fd']);
  process.umask(0o077);
  // Started in a session of its own; a hang-up of some terminal is none of its business.
  process.on('SIGHUP', () => undefined);

  const refuse = (failure: Failure): never => {
    tellLauncher({failure});
    process.stderr.write(`${failureText(failure)}\n`);
    process.exit(DAEMON_EXIT.failed);
  };
  const paths = projectPaths(folder);
  const prepared = prepareFolders(paths);
  if (!prepared.ok) return refuse(prepared.failure);
  const settings = loadSettings({projectFolder: folder, env: process.env, home: homedir()});
  if (!settings.ok) return refuse(settings.failure);
  const store = openSqliteStore({file: paths.storeFile});
  if (!store.ok) {
    if (isStoreTaken(store.failure)) process.exit(DAEMON_EXIT.storeTaken);
    return refuse(store.failure);
  }
  const log = openLog(paths.logFile);
  process.on('uncaughtException', error => crash(log, error));
  process.on('unhandledRejection', error => crash(log, error));
  // From here on there is something to close in order.
  const signalled = new Promise<'alone'>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve('alone'));
  });
  const daemon = await startDaemon({
    paths,
    version: GODEL_VERSION,
    settings: settings.value.settings,
    agentSettings: settings.value.agents,
    store: store.value,
    log,
  });
  if (!daemon.ok) return refuse(daemon.failure);
  const startMs = Math.round(performance.now());
  log.info({version: GODEL_VERSION, project: folder, socket: paths.socket, startMs}, 'the daemon is ready');
  tellLauncher('ready');

  const how = await Promise.race([daemon.value.over, signalled]);
  log.info({how}, 'the daemon ends');
  setTimeout(() => process.exit(DAEMON_EXIT.ok), END_LIMIT_MS).unref();
  await daemon.value.end(how);
  process.exit(DAEMON_EXIT.ok);
}

/** A daemon with a bug is ended: hosts go on and start another one, which goes on where the store was last written. */
function crash(log: Log, error: unknown): never {
  log.error({error: failureOf(error)}, 'the daemon has a bug and ends');
  process.exit(DAEMON_EXIT.crashed);
}

function teller(fd: string | undefined): (message: StartMessage) => void {
  if (fd === undefined) return () => undefined;
  const descriptor = Number(fd);
  return message => {
    try {
      writeSync(descriptor, formatStartMessage(message));
    } catch {
      // The launcher is gone; others wait for the socket.
    }
    closeSync(descriptor);
  };
}

void main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof Error ? (error.stack ?? error.message) : String(error)}\n`);
  process.exit(DAEMON_EXIT.crashed);
});
