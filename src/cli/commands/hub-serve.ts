import {type Command, Option} from 'commander';
import type {ServeOptions} from '../serve-hub.ts';
import {define, type Runner} from '../define.ts';
import {ofHub} from '../hub-options.ts';
import {withMasterKey} from '../master-key-options.ts';
import {duration, wholeNumber} from '../option-values.ts';

export function hubServe(run: Runner): Command {
  return withMasterKey(
    ofHub(
      define('serve', {
        summary: 'Run a hub: what agents remember, kept and shared beyond their own lives',
        description: `Makes the database and its keys when there are none. Ctrl-C ends it in order; what it has acknowledged is on
the disk in any case.`,
        examples: [
          'godel hub serve',
          'godel hub serve --port 9000 --db /var/lib/godel/hub.db --backup-every 1d --backup-folder /var/backups/godel',
          'godel hub serve --host 0.0.0.0 --tls-cert hub.pem --tls-key hub.key --client-ca hub-memory.keys/authority/ca.pem',
          'godel hub serve --master-key-file ~/hub-master.key',
          'godel hub serve --embedder endpoint --embedder-url http://127.0.0.1:11434/v1 --embedder-model nomic-embed-text',
        ],
      }),
    ),
  )
    .option('--port <n>', '0: any that is free', wholeNumber('--port', {min: 0, max: 65_535}), 8080)
    .option('--host <address>', 'the address to listen at; others can reach it only if it is not this one', '127.0.0.1')
    .option('--tls-cert <file>', 'PEM; with it and --tls-key the hub speaks wss only')
    .option('--tls-key <file>', 'PEM')
    .option('--client-ca <file>', 'PEM; clients must show a certificate of it, and crl.pem beside it is heeded')
    .option('--backup-every <duration>', 'makes a backup so often, for example 1d', duration('--backup-every'))
    .option('--backup-folder <dir>', 'where backups go; default: backups beside the database')
    .option('--backup-keep <n>', 'how many of the latest are kept', wholeNumber('--backup-keep', {min: 1}), 7)
    .option(
      '--max-agents <n>',
      'agents connected at the same time',
      wholeNumber('--max-agents', {min: 1, max: 1e6}),
      10_000,
    )
    .option('--sync-interval <duration>', 'how often clients sync; default: 5s', duration('--sync-interval'))
    .option(
      '--quorum <n>',
      'agents other than its own that must confirm an episode before they recall it',
      wholeNumber('--quorum', {min: 0}),
      0,
    )
    .option('--require-signatures', 'refuse episodes that are not signed by a key of their agent', false)
    .option('--keep <duration>', 'how long episodes are kept; default: for ever', duration('--keep'))
    .addOption(
      new Option('--merge <on|off>', 'whether episodes that say the same are recalled as one')
        .choices(['on', 'off'])
        .default('on'),
    )
    .option(
      '--consolidate <n>',
      'so many episodes of one task become one; default: none do',
      wholeNumber('--consolidate', {min: 3, max: 100}),
    )
    .option(
      '--max-episodes <n>',
      'of one tenant; of the oldest those worth least go',
      wholeNumber('--max-episodes', {min: 1}),
    )
    .option(
      '--embedder <kind>',
      'auto: the language model where it is installed; hashed: without one; endpoint: an OpenAI-compatible one',
      'auto',
    )
    .option('--embedder-url <url>', 'of the endpoint, for example https://api.example.com/v1')
    .option('--embedder-model <name>', 'which of its models')
    .option('--embedder-key-env <name>', 'the variable that holds its key; default: no key')
    .option(
      '--embedder-dimensions <n>',
      'of its vectors; default: it is asked when the hub starts',
      wholeNumber('--embedder-dimensions', {min: 1, max: 65_536}),
    )
    .action((_options: object, command: Command) =>
      run(async cli => {
        const {serveHub} = await import('../serve-hub.ts');
        return serveHub(cli, command.optsWithGlobals<ServeOptions>());
      }),
    );
}
