import type {Command} from 'commander';
import type {Cli} from './cli.ts';
import {type HubOptions, masterKeyOption, ofHub, pathOf} from './hub-options.ts';
import {duration, wholeNumber} from './option-values.ts';

export interface RecordsOptions extends HubOptions {
  readonly tenant?: string;
  readonly agent?: string;
  /** Milliseconds. */
  readonly since?: number;
  readonly limit: number;
  readonly masterKeyFile?: string;
}

/** The options that all commands have that read what a hub has written down. */
export function ofRecords(command: Command, agent: string): Command {
  return ofHub(command)
    .option('--tenant <name>', 'of this tenant only')
    .option('--agent <name>', agent)
    .option('--since <duration>', 'not older than this, such as 1h or 7d', duration('--since'))
    .option('--limit <n>', 'at most so many, the latest', wholeNumber('--limit', {min: 1, max: 10_000}), 100)
    .addOption(masterKeyOption());
}

export function wantedBy(cli: Cli, options: RecordsOptions) {
  const {db, tenant: tenantId, agent: agentId, since, limit, masterKeyFile: key} = options;
  return {
    hub: {dbPath: pathOf(cli, db), masterKeyFile: key === undefined ? null : pathOf(cli, key)},
    wanted: {
      ...(tenantId !== undefined && {tenantId}),
      ...(agentId !== undefined && {agentId}),
      ...(since !== undefined && {sinceMs: Date.now() - since}),
      limit,
    },
  };
}
