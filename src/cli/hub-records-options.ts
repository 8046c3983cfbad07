import type {Command} from 'commander';
import type {Cli} from './cli.ts';
import {type HubOptions, ofHub, pathOf} from './hub-options.ts';
import {type MasterKeyOptions, withMasterKey} from './master-key-options.ts';
import {duration, wholeNumber} from './option-values.ts';

export interface RecordsOptions extends HubOptions, MasterKeyOptions {
  readonly tenant?: string;
  readonly agent?: string;
  /** Milliseconds. */
  readonly since?: number;
  readonly limit: number;
}

/** The options that all commands have that read what a hub has written down. */
export function ofRecords(command: Command, agent: string): Command {
  const found = ofHub(command)
    .option('--tenant <name>', 'of this tenant only')
    .option('--agent <name>', agent)
    .option('--since <duration>', 'not older than this, such as 1h or 7d', duration('--since'))
    .option('--limit <n>', 'at most so many, the latest', wholeNumber('--limit', {min: 1, max: 10_000}), 100);
  return withMasterKey(found);
}

export async function wantedBy(cli: Cli, options: RecordsOptions) {
  const {db, tenant: tenantId, agent: agentId, since, limit} = options;
  const {masterKeysOf} = await import('./master-keys-of.ts');
  return {
    hub: {dbPath: pathOf(cli, db), masterKeys: masterKeysOf(cli, options)},
    wanted: {
      ...(tenantId !== undefined && {tenantId}),
      ...(agentId !== undefined && {agentId}),
      ...(since !== undefined && {sinceMs: Date.now() - since}),
      limit,
    },
  };
}
