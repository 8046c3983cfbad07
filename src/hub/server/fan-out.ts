import {frameTexts} from '../../wire/hub-text-frame.ts';
import type {Member} from './member.ts';

/** One entry to tell, as JSON; `by`: whose connection is not told, since it knows. */
export interface Piece {
  readonly by: Member | null;
  /** In the tenant's log. */
  readonly position: number;
  readonly json: string;
}

/** Bytes of pieces that go into one frame, so that nobody waits for a frame of megabytes. */
const FRAME_CHARACTERS = 128 * 1024;

/**
 * Frames for many receivers out of pieces that were made into JSON once: all who wrote none of the pieces get the very same
 * bytes; an author gets a frame of its own without its pieces, or none at all, and so does who came or caught up in between.
 */
export class FanOut {
  readonly #pieces: readonly Piece[];
  readonly #wrap: (pieces: string, nth: number) => string;
  readonly #authors: ReadonlySet<Member>;
  readonly #first: number;
  #shared: Buffer | undefined;

  /** `wrap` makes the nth frame, from 0, out of pieces that are joined by commas. */
  constructor(pieces: readonly Piece[], wrap: (pieces: string, nth: number) => string) {
    this.#pieces = pieces;
    this.#wrap = wrap;
    const authors = new Set<Member>();
    for (const {by} of pieces) if (by) authors.add(by);
    this.#authors = authors;
    this.#first = pieces[0]?.position ?? 0;
  }

  /** Null: there is nothing to tell this one. */
  for(member: Member): Buffer | null {
    if (!this.#authors.has(member) && member.knowsTo < this.#first) {
      this.#shared ??= frameTexts(this.#frames(this.#pieces));
      return this.#shared;
    }
    const others = this.#pieces.filter(({by, position}) => by !== member && position > member.knowsTo);
    return others.length === 0 ? null : frameTexts(this.#frames(others));
  }

  #frames(pieces: readonly Piece[]): readonly string[] {
    const frames: string[] = [];
    let part: string[] = [];
    let size = 0;
    for (const {json} of pieces) {
      if (size > 0 && size + json.length > FRAME_CHARACTERS) {
        frames.push(this.#wrap(part.join(','), frames.length));
        part = [];
        size = 0;
      }
      part.push(json);
      size += json.length;
    }
    frames.push(this.#wrap(part.join(','), frames.length));
    return frames;
  }
}

/** Sends messages to one member in one write. */
export function sendAll(member: Member, frames: readonly Buffer[]): void {
  const [only] = frames;
  if (only === undefined) return;
  member.socket.sendFramed(frames.length === 1 ? only : Buffer.concat(frames));
}
