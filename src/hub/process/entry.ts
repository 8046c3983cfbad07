import {parseArgs} from 'node:util';
import {failureText} from '../../model/failure-text.ts';
import {type Failure, failureOf} from '../../model/failure.ts';
import type {HubEvent} from '../server/hub-parts.ts';
import {embedderSettings} from './embedder-words.ts';
import {masterKeySources} from './master-keys.ts';
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
      'embedder-url': {type: 'string'},
      'embedder-model': {type: 'string'},
      'embedder-key-env': {type: 'string'},
      'embedder-dimensions': {type: 'string'},
      quorum: {type: 'string', default: '0'},
      'keep-ms': {type: 'string'},
      'master-key-file': {type: 'string'},
      'master-key-env': {type: 'string'},
      'master-key-command': {type: 'string'},
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
    masterKeys: masterKeySources(
      {file: values['master-key-file'], env: values['master-key-env'], command: values['master-key-command']},
      process.env,
    ),
    embedder: embedderSettings({
      kind: values.embedder,
      url: values['embedder-url'],
      model: values['embedder-model'],
      keyEnv: values['embedder-key-env'],
      dimensions: numberOf(values['embedder-dimensions']),
    }),
    quorum: Number(values.quorum),
    retention: {lifetimeMs: numberOf(values['keep-ms']) ?? null},
    version: GODEL_VERSION,
    onEvent: event => say(lineOf(event)),
  });
  say({ready: hub.note});
  await over;
  await hub.stop();
}

function numberOf(text: string | undefined): number | undefined {
  return text === undefined ? undefined : Number(text);
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
