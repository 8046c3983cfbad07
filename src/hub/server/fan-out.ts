import {frameBytes} from '../../wire/hub-text-frame.ts';
import type {Member} from './member.ts';

/** One entry to tell; `by`: whose connection is not told, since it knows. */
export interface Piece {
  readonly by: Member | null;
  /** In the tenant's log. */
  readonly position: number;
  /** As JSON. */
  readonly bytes: Buffer;
}

/** Bytes of pieces that go into one frame, so that nobody waits for a frame of megabytes. */
const FRAME_BYTES = 128 * 1024;
const COMMA = Buffer.from(',');

/**
 * Frames for many receivers out of pieces that were made into JSON once: all who wrote none of the pieces get the very same
 * bytes; an author gets a frame of its own without its pieces, or none at all, and so does who came or caught up in between.
 */
export class FanOut {
  readonly #pieces: readonly Piece[];
  readonly #before: Buffer;
  readonly #after: Buffer;
  readonly #firstAfter: Buffer;
  readonly #authors: ReadonlySet<Member>;
  readonly #first: number;
  #shared: Buffer | undefined;

  /** What stands in a frame before the pieces, which are joined by commas, and after them; `firstAfter`: in the first of several. */
  constructor(
    pieces: readonly Piece[],
    {
      before,
      after,
      firstAfter = after,
    }: {readonly before: string; readonly after: string; readonly firstAfter?: string},
  ) {
    this.#pieces = pieces;
    this.#before = Buffer.from(before);
    this.#after = Buffer.from(after);
    this.#firstAfter = Buffer.from(firstAfter);
    const authors = new Set<Member>();
    for (const {by} of pieces) if (by) authors.add(by);
    this.#authors = authors;
    this.#first = pieces[0]?.position ?? 0;
  }

  /** Null: there is nothing to tell this one. */
  for(member: Member): Buffer | null {
    if (!this.#authors.has(member) && member.knowsTo < this.#first) {
      this.#shared ??= this.#frames(this.#pieces);
      return this.#shared;
    }
    const others = this.#pieces.filter(({by, position}) => by !== member && position > member.knowsTo);
    return others.length === 0 ? null : this.#frames(others);
  }

  #frames(pieces: readonly Piece[]): Buffer {
    const frames: Buffer[] = [];
    let parts = [this.#before];
    let size = 0;
    for (const {bytes} of pieces) {
      if (size > 0 && size + bytes.length > FRAME_BYTES) {
        frames.push(frameBytes([...parts, frames.length === 0 ? this.#firstAfter : this.#after]));
        parts = [this.#before];
        size = 0;
      }
      if (size > 0) parts.push(COMMA);
      parts.push(bytes);
      size += bytes.length;
    }
    if (frames.length === 0) return frameBytes([...parts, this.#firstAfter]);
    return Buffer.concat([...frames, frameBytes([...parts, this.#after])]);
  }
}

/** Sends messages to one member in one write. */
export function sendAll(member: Member, frames: readonly Buffer[]): void {
  const [only] = frames;
  if (only === undefined) return;
  member.socket.sendFramed(frames.length === 1 ? only : Buffer.concat(frames));
}
