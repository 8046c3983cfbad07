import {parseArgs} from 'node:util';
import {failureText} from '../../model/failure-text.ts';
import {type Failure, failureOf} from '../../model/failure.ts';
import type {HubEvent} from '../server/hub-parts.ts';
import {runHub} from './run-hub.ts';

/**
 *     node dist/hub.js DATABASE [--host H] [--port P] [--embedder KIND]
 *
 * A hub that another process of the same machine supervises: prints one line of JSON when it listens (`RunningNote`) or why it
 * does not, then one for each event, and ends when its standard input does.
 */
async function main(): Promise<void> {
  const {values, positionals} = parseArgs({
    allowPositionals: true,
    options: {
      host: {type: 'string', default: '127.0.0.1'},
      port: {type: 'string', default: '0'},
      embedder: {type: 'string', default: 'auto'},
    },
  });
  const [dbPath] = positionals;
  if (dbPath === undefined) throw new Error('the database is missing');
  process.umask(0o077);
  process.on('SIGHUP', () => undefined);
  const over = new Promise<void>(resolve => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
    process.stdin.once('end', resolve).once('error', resolve).resume();
  });
  const hub = await runHub({
    dbPath,
    host: values.host,
    port: Number(values.port),
    tls: null,
    masterKeyFile: null,
    embedder: {kind: kindOf(values.embedder)},
    version: GODEL_VERSION,
    onEvent: event => say(lineOf(event)),
  });
  say({ready: hub.note});
  await over;
  await hub.stop();
}

function kindOf(text: string): 'hashed' | 'model' | 'auto' {
  return text === 'hashed' || text === 'model' ? text : 'auto';
}

/** Nobody may be there to read it. */
function say(line: {readonly ready: unknown} | {readonly failure: Failure} | {readonly event: unknown} | null): void {
  if (line !== null) process.stdout.write(`${JSON.stringify(line)}\n`);
}

/** Who comes and goes, and does what, is in the database. */
const UNTOLD: ReadonlySet<HubEvent['kind']> = new Set([
  'agent-joined',
  'agent-left',
  'token-refreshed',
  'refused',
  'key-added',
  'key-removed',
  'task-assigned',
  'merged',
]);

function lineOf(event: HubEvent): {readonly event: unknown} | null {
  if (UNTOLD.has(event.kind)) return null;
  return {event: event.kind === 'unexpected' ? {...event, error: failureText(failureOf(event.error))} : event};
}

process.stdout.on('error', () => undefined);

void main().then(
  () => process.exit(0),
  (error: unknown) => {
    say({failure: failureOf(error)});
    process.exit(1);
  },
);
