import {chmodSync, closeSync, fdatasync, mkdirSync, openSync, readFileSync, renameSync, rmSync} from 'node:fs';
import {dirname} from 'node:path';
import {promisify} from 'node:util';
import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {OutputKind} from '../model/task.ts';
import {fileFailure} from './file-failure.ts';
import {openForWriting, writeAll} from './output-log.ts';
import {printable} from './printable.ts';

const flush = promisify(fdatasync);
const SHOWN_CHARACTERS = 80;

/**
 * The declared output of an attempt: its standard output, kept under a temporary name until the attempt has succeeded.
 * Then it is on disk under its real name before anybody is told.
 */
export class OutputFile {
  readonly #file: string;
  readonly #partFile: string;
  readonly #claim: string | null;
  readonly #capBytes: number;
  readonly #kind: OutputKind;
  #descriptor: number | undefined;
  #bytes = 0;

  constructor({
    file,
    kind,
    capBytes,
    race,
  }: {
    file: string;
    kind: OutputKind;
    capBytes: number;
    /** Others may put out the same: only who makes the file `claim` first does. `number` tells this one from them. */
    race?: {readonly claim: string; readonly number: number};
  }) {
    this.#file = file;
    this.#claim = race?.claim ?? null;
    // Not where others find the outputs of all instances: a part of which nothing comes may stay.
    this.#partFile = race ? `${race.claim}-${race.number}.part` : `${file}.part`;
    this.#kind = kind;
    this.#capBytes = capBytes;
  }

  write(chunk: Buffer): Result<void, Failure> {
    if (this.#bytes + chunk.length > this.#capBytes) {
      return fail({reason: 'output-too-large', limitBytes: this.#capBytes});
    }
    try {
      this.#descriptor ??= openForWriting(this.#partFile);
      writeAll(this.#descriptor, chunk);
      this.#bytes += chunk.length;
      return ok(undefined);
    } catch (error) {
      return fail(fileFailure(this.#partFile, error));
    }
  }

  /** Whether it is what was declared; to be asked when the program has ended. */
  check(): Result<void, Failure> {
    if (this.#kind !== 'json') return ok(undefined);
    if (this.#bytes === 0) return invalid('nothing was printed');
    const bytes = readFileSync(this.#partFile);
    try {
      JSON.parse(new TextDecoder('utf-8', {fatal: true, ignoreBOM: true}).decode(bytes));
      return ok(undefined);
    } catch (error) {
      const start = printable(bytes.subarray(0, SHOWN_CHARACTERS * 4)).slice(0, SHOWN_CHARACTERS);
      const why = error instanceof SyntaxError ? error.message : 'it is not UTF-8';
      return invalid(`${why.slice(0, 500)}; it begins with ${JSON.stringify(start)}`);
    }
  }

  /** Gives the file its name, and says its size. */
  async commit(): Promise<Result<number, Failure>> {
    try {
      const descriptor = (this.#descriptor ??= openForWriting(this.#partFile));
      await flush(descriptor);
      if (this.#claim !== null && !claim(this.#claim)) return fail({reason: 'stopped', by: 'lost-race'});
      closeSync(descriptor);
      this.#descriptor = undefined;
      this.#publish();
      // Handed to others as it is: a task that writes into its inputs by mistake would change theirs.
      chmodSync(this.#file, 0o400);
      return ok(this.#bytes);
    } catch (error) {
      return fail(fileFailure(this.#file, error));
    }
  }

  /** The folder is there already, unless nothing else has been put out yet. */
  #publish(): void {
    try {
      renameSync(this.#partFile, this.#file);
    } catch (error) {
      if (codeOf(error) !== 'ENOENT') throw error;
      mkdirSync(dirname(this.#file), {recursive: true, mode: 0o700});
      renameSync(this.#partFile, this.#file);
    }
  }

  /** Drops what has not been committed. */
  discard(): void {
    if (this.#descriptor === undefined) return;
    closeSync(this.#descriptor);
    this.#descriptor = undefined;
    rmSync(this.#partFile, {force: true});
  }
}

/** Whether nobody else has made this file. */
function claim(file: string): boolean {
  try {
    closeSync(openSync(file, 'wx', 0o600));
    return true;
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    return false;
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function invalid(detail: string): Result<void, Failure> {
  return fail({reason: 'output-invalid', expected: 'json', detail});
}
