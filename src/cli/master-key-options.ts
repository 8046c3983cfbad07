import {type Command, Option} from 'commander';

export interface MasterKeyOptions {
  readonly masterKeyFile?: string;
  readonly masterKeyEnv?: string;
  readonly masterKeyCommand?: string;
  readonly olderMasterKeyFile?: readonly string[];
}

export interface NewMasterKeyOptions {
  readonly newMasterKeyFile?: string;
  readonly newMasterKeyEnv?: string;
  readonly newMasterKeyCommand?: string;
}

/** Adds the options that name the key of a hub that seals what it keeps. */
export function withMasterKey(command: Command): Command {
  return command
    .option('--master-key-file <file>', 'the key (32 bytes, base64) of a hub that seals what it keeps')
    .option('--master-key-env <name>', 'the same, in this variable')
    .option('--master-key-command <command>', 'the same, printed by this program; run without a shell')
    .addOption(
      new Option('--older-master-key-file <file>', 'a key used before; may be given more than once').argParser(
        (file: string, before?: readonly string[]) => [...(before ?? []), file],
      ),
    );
}

export function withNewMasterKey(command: Command): Command {
  return command
    .option('--new-master-key-file <file>', 'the key (32 bytes, base64) that is to be used from now on')
    .option('--new-master-key-env <name>', 'the same, in this variable')
    .option('--new-master-key-command <command>', 'the same, printed by this program; run without a shell');
}
