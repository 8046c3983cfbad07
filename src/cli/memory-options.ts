import type {Command} from 'commander';
import type {MemoryBackend} from '../api/memory-backend.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import {type HubFlags, hubRequestOf} from './hub-request.ts';

export interface MemoryOptions extends GlobalOptions, HubFlags {}

/** Adds the options by which the memory of a team with another hub is meant, as `godel team spawn` has them. */
export function ofMemory(command: Command): Command {
  return command
    .option('--hub <url>', 'the memory of teams that were spawned with this --hub; default: that of all others')
    .option('--tenant <name>', 'whose memory it is at that hub')
    .option('--hub-token-file <file>', 'the token for that hub, as for the team');
}

/** The memory that a command is about. Starts the daemon when none is running. */
export async function memoryOf(cli: Cli, options: MemoryOptions): Promise<MemoryBackend> {
  const {openProject} = await import('./connect.ts');
  const {client} = openProject(cli, options);
  const hub = hubRequestOf(cli, options);
  return hub === null ? client.memory : client.memoryAt(hub);
}
