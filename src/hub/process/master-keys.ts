import {GodelError} from '../../model/failure.ts';
import {type MasterKey, type MasterKeySource, readMasterKey} from '../security/master-key.ts';
import type {Sealing} from '../server/parts/data-keys.ts';

/** Where the master key of a hub comes from, and those that older data keys may still be wrapped by. */
export interface MasterKeySources {
  readonly master: MasterKeySource;
  readonly older: readonly MasterKeySource[];
}

/** As somebody wrote it; paths must be absolute. */
export interface MasterKeyWords {
  readonly file?: string | undefined;
  /** The name of a variable. */
  readonly env?: string | undefined;
  /** A program and its arguments. */
  readonly command?: string | undefined;
  readonly olderFiles?: readonly string[] | undefined;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** null: none is named. Throws a `GodelError` where more than one is. */
export function masterKeySources(words: MasterKeyWords, environment: Environment): MasterKeySources | null {
  const {olderFiles = []} = words;
  const master = masterKeySource(words, environment);
  if (master !== null) return {master, older: olderFiles.map(path => ({kind: 'file', path}))};
  if (olderFiles.length === 0) return null;
  throw new GodelError({
    reason: 'usage',
    message: 'an older master key is given, and not the one that is used now',
    hint: 'Give that with --master-key-file, --master-key-env or --master-key-command.',
  });
}

export function masterKeySource(
  {file, env, command}: Omit<MasterKeyWords, 'olderFiles'>,
  environment: Environment,
): MasterKeySource | null {
  const sources: MasterKeySource[] = [];
  if (file !== undefined) sources.push({kind: 'file', path: file});
  if (env !== undefined) sources.push({kind: 'env', name: env, environment});
  if (command !== undefined) sources.push({kind: 'command', command: wordsOf(command)});
  if (sources.length <= 1) return sources[0] ?? null;
  throw new GodelError({
    reason: 'usage',
    message: 'more than one master key is named',
    hint: 'Name a file, a variable or a command; a key that was used before goes to --older-master-key-file.',
  });
}

/** Rejects with a `GodelError` that names the source, and never what was read. */
export async function sealingOf({master, older}: MasterKeySources): Promise<Sealing> {
  const [masterKey, ...olderMasterKeys] = await Promise.all([readKey(master), ...older.map(readKey)]);
  return {masterKey, olderMasterKeys};
}

export async function readKey(source: MasterKeySource): Promise<MasterKey> {
  const key = await readMasterKey(source);
  if (key.ok) return key.value;
  throw new GodelError({reason: 'usage', message: key.failure.message});
}

const WORD = /(?:[^\s'"]|'[^']*'|"[^"]*")+/g;

/** Words are parted by blanks; within quotes, single or double, blanks are part of them. Nothing else means anything. */
function wordsOf(command: string): readonly string[] {
  if (command.replaceAll(WORD, '').trim() !== '') {
    throw new GodelError({reason: 'usage', message: `a quote is not closed in the command for the master key`});
  }
  const words = command.match(WORD) ?? [];
  return words.map(word =>
    word.replaceAll(/'([^']*)'|"([^"]*)"/g, (_all, single?: string, double?: string) => single ?? double ?? ''),
  );
}

export type {MasterKeySource};
