import {
  type MasterKeySource,
  type MasterKeySources,
  masterKeySource,
  masterKeySources,
} from '../hub/process/master-keys.ts';
import type {Cli} from './cli.ts';
import {pathOf} from './hub-options.ts';
import type {MasterKeyOptions, NewMasterKeyOptions} from './master-key-options.ts';

/** null: none is named. */
export function masterKeysOf(cli: Cli, options: MasterKeyOptions): MasterKeySources | null {
  const {masterKeyFile: file, masterKeyEnv: env, masterKeyCommand: command, olderMasterKeyFile: older} = options;
  const olderFiles = older?.map(path => pathOf(cli, path));
  return masterKeySources({file: file && pathOf(cli, file), env, command, olderFiles}, cli.env);
}

/** null: none is named. */
export function newMasterKeyOf(cli: Cli, options: NewMasterKeyOptions): MasterKeySource | null {
  const {newMasterKeyFile: file, newMasterKeyEnv: env, newMasterKeyCommand: command} = options;
  return masterKeySource({file: file && pathOf(cli, file), env, command}, cli.env);
}
