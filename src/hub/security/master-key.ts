import {spawn} from 'node:child_process';
import {createSecretKey, hash, type KeyObject} from 'node:crypto';
import {formatDuration} from '../../base/duration.ts';
import {lastLine} from '../../base/one-line.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import {readPrivateFile} from './private-file.ts';

/** The key that wraps all data keys; it is never stored beside what it protects. */
export interface MasterKey {
  /** Tells keys apart without saying anything of them. */
  readonly id: string;
  readonly key: KeyObject;
}

/** Where the master key comes from; each gives 32 random bytes as base64 or hexadecimal text. */
export type MasterKeySource =
  | {readonly kind: 'file'; readonly path: string}
  | {readonly kind: 'env'; readonly name: string; readonly environment: Readonly<Record<string, string | undefined>>}
  /** Program and arguments, run without a shell; what it prints is the key. */
  | {readonly kind: 'command'; readonly command: readonly string[]; readonly timeoutMs?: number};

export interface MasterKeyFailure {
  readonly message: string;
}

/** How long a command may take unless said, in milliseconds; it may have to ask a key service. */
const COMMAND_MS = 10_000;
const MAX_OUTPUT = 4096;

/** Reads the master key. The failure names the source and the fix, and never what was read. */
export async function readMasterKey(source: MasterKeySource): Promise<Result<MasterKey, MasterKeyFailure>> {
  switch (source.kind) {
    case 'file':
      return fromFile(source.path);
    case 'env': {
      const text = source.environment[source.name];
      if (text === undefined) return failed(`The variable ${source.name}, which is to hold the master key, is not set`);
      return parse(text, `the variable ${source.name}`);
    }
    case 'command': {
      const printed = await run(source);
      return printed.ok ? parse(printed.value, `the output of ${source.command.join(' ')}`) : printed;
    }
  }
}

/** From 32 bytes. Throws RangeError on any other number of them. */
export function masterKey(bytes: Uint8Array): MasterKey {
  if (bytes.length !== 32) throw new RangeError(`A master key has 32 bytes, not ${bytes.length}`);
  const id = hash('sha256', Buffer.concat([Buffer.from('godel-master-key\0'), bytes]), 'hex').slice(0, 16);
  return {id, key: createSecretKey(bytes)};
}

function fromFile(path: string): Result<MasterKey, MasterKeyFailure> {
  try {
    const text = readPrivateFile(path);
    return text === null ? failed(`The master key file ${path} does not exist`) : parse(text, path);
  } catch (error) {
    return failed(error instanceof Error ? error.message : String(error));
  }
}

function parse(text: string, where: string): Result<MasterKey, MasterKeyFailure> {
  const trimmed = text.trim();
  const bytes = /^[0-9a-fA-F]{64}$/.test(trimmed)
    ? Buffer.from(trimmed, 'hex')
    : /^[\w+/-]{43}=?$/.test(trimmed)
      ? Buffer.from(trimmed, 'base64')
      : null;
  const fix = 'make one with: openssl rand -base64 32';
  if (bytes?.length !== 32) return failed(`${where} is no master key (32 bytes as base64 or hexadecimal): ${fix}`);
  // 32 random bytes with so few different ones do not happen.
  if (new Set(bytes).size < 12) return failed(`${where} is not random enough for a master key: ${fix}`);
  return ok(masterKey(bytes));
}

/** Runs in a process group of its own, which is ended when the time is over, so that nothing it has started stays. */
function run({
  command: [program, ...args],
  timeoutMs = COMMAND_MS,
}: Extract<MasterKeySource, {kind: 'command'}>): Promise<Result<string, MasterKeyFailure>> {
  if (program === undefined) return Promise.resolve(failed('The command for the master key is empty: name a program'));
  return new Promise(resolve => {
    const child = spawn(program, args, {stdio: ['ignore', 'pipe', 'pipe'], detached: true});
    const output = {stdout: '', stderr: ''};
    let why: string | null = null;
    const end = (reason: string) => {
      why ??= reason;
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // The group has ended by itself in the meantime.
      }
      child.stdout.destroy();
      child.stderr.destroy();
    };
    const timer = setTimeout(() => end(`took longer than ${formatDuration(timeoutMs)}`), timeoutMs);
    for (const name of ['stdout', 'stderr'] as const) {
      child[name].setEncoding('utf8').on('data', (text: string) => {
        output[name] += text;
        if (output[name].length > MAX_OUTPUT) end(`printed more than ${MAX_OUTPUT} characters`);
      });
    }
    const settle = (reason: string | null) => {
      clearTimeout(timer);
      resolve(reason === null ? ok(output.stdout) : failed(`The command ${program} for the master key ${reason}`));
    };
    child.on('error', error => settle(`could not be started: ${error.message}`));
    child.on('close', (code, signal) => {
      const said = lastLine(output.stderr);
      const bad = code === 0 ? null : `ended with ${code ?? signal ?? 'an unknown code'}${said ? `: ${said}` : ''}`;
      settle(why ?? bad);
    });
  });
}

function failed(message: string): {readonly ok: false; readonly failure: MasterKeyFailure} {
  return fail({message});
}
