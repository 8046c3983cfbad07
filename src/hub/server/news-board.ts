import {FanOut, type Piece} from './fan-out.ts';
import type {Member} from './member.ts';

/** How much of its time a hub gives to telling news: a pause of so many times what the last telling took. */
const PAUSE_PER_COST = 3;
const LONGEST_PAUSE_MS = 40;
/** Characters that are told without waiting: more at once would save nothing, and fill the lines of slow readers. */
const ENOUGH = 64 * 1024;

/**
 * Entries that have become durable, until the others are told. Where many listen, each telling has its price whatever is in it, so that what
 * comes within a few turns is told together.
 */
export class NewsBoard {
  #pieces: Piece[] = [];
  #characters = 0;
  #notBeforeMs = 0;

  get isEmpty(): boolean {
    return this.#pieces.length === 0;
  }

  add(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#characters += piece.json.length;
    }
  }

  /** Milliseconds until it may be told; 0: now. */
  waitMs(nowMs: number): number {
    return this.#characters >= ENOUGH ? 0 : Math.max(0, this.#notBeforeMs - nowMs);
  }

  tell(members: Iterable<Member>, head: number): void {
    const startedMs = performance.now();
    const fan = new FanOut(this.#pieces, entries => `{"type":"news","entries":[${entries}],"head":${head}}`);
    this.#pieces = [];
    this.#characters = 0;
    for (const member of members) {
      if (!member.subscription.news) continue;
      if (member.missed.news || member.isBehind) member.missed.news = true;
      else {
        const frame = fan.for(member);
        if (frame) member.socket.sendFramed(frame);
      }
    }
    const endedMs = performance.now();
    this.#notBeforeMs = endedMs + Math.min(LONGEST_PAUSE_MS, PAUSE_PER_COST * (endedMs - startedMs));
  }
}
