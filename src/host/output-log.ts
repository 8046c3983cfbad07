import {closeSync, mkdirSync, openSync, writeSync} from 'node:fs';
import {dirname} from 'node:path';
import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {fileFailure} from './file-failure.ts';
import {lastLineOf, printable} from './printable.ts';

const TAIL_BYTES = 2048;
const LINE_CHARACTERS = 200;

/**
 * What an attempt prints, in one file that is made with the first byte and stops growing at a limit, where a line says
 * so. Bytes are kept as they are. Writes are synchronous: in order, without a queue that a fast printer could fill.
 */
export class OutputLog {
  readonly #file: string;
  readonly #capBytes: number;
  #descriptor: number | undefined;
  #written = 0;
  #tail: Buffer = Buffer.alloc(0);
  /** How much of the tail an earlier step has printed. */
  #earlier = 0;
  #full = false;

  constructor({file, capBytes}: {file: string; capBytes: number}) {
    this.#file = file;
    this.#capBytes = capBytes;
  }

  /** The end of what the step has printed, also of what no longer went into the file; at most 2 KiB. */
  get tail(): string {
    if (this.#earlier > 0) return printable(this.#tail.subarray(this.#earlier)).trimEnd();
    if (this.#tail.length < TAIL_BYTES) return printable(this.#tail).trimEnd();
    // Begin with a whole line, when there is one.
    const start = this.#tail.indexOf(0x0a) + 1;
    return printable(this.#tail.subarray(start)).trimEnd();
  }

  get lastLine(): string | null {
    return lastLineOf(this.#tail, LINE_CHARACTERS);
  }

  /** What is printed from now on has another cause, and a tail of its own. */
  beginStep(): void {
    this.#earlier = this.#tail.length;
  }

  write(chunk: Buffer): Result<void, Failure> {
    this.#keepTail(chunk);
    if (this.#full) return ok(undefined);
    try {
      const room = this.#capBytes - this.#written;
      this.#append(chunk.length > room ? chunk.subarray(0, room) : chunk);
      if (chunk.length > room) {
        this.#full = true;
        this.#append(Buffer.from(`\n[godel: log cut here: it reached its limit of ${this.#capBytes} bytes]\n`));
      }
      return ok(undefined);
    } catch (error) {
      this.#full = true;
      return fail(fileFailure(this.#file, error));
    }
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
    this.#full = true;
  }

  #append(bytes: Buffer): void {
    this.#descriptor ??= openForWriting(this.#file);
    writeAll(this.#descriptor, bytes);
    this.#written += bytes.length;
  }

  #keepTail(chunk: Buffer): void {
    this.#earlier = Math.max(0, this.#earlier - Math.max(0, this.#tail.length + chunk.length - TAIL_BYTES));
    // A copy in any case: a slice would keep the whole 64 KiB it was read into.
    this.#tail =
      chunk.length >= TAIL_BYTES
        ? Buffer.from(chunk.subarray(-TAIL_BYTES))
        : Buffer.concat([this.#tail.subarray(Math.max(0, this.#tail.length + chunk.length - TAIL_BYTES)), chunk]);
  }
}

/** Opens a new file, readable by its owner only; makes its folder when that is missing. */
export function openForWriting(file: string): number {
  try {
    return openSync(file, 'w', 0o600);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENOENT')) throw error;
    mkdirSync(dirname(file), {recursive: true, mode: 0o700});
    return openSync(file, 'w', 0o600);
  }
}

export function writeAll(descriptor: number, bytes: Buffer): void {
  for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
}
