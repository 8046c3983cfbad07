import {FanOut, type Piece} from './fan-out.ts';
import type {Member} from './member.ts';

/** How much of its time a hub gives to telling news: a pause of so many times what the last telling took. */
const PAUSE_PER_COST = 3;
const LONGEST_PAUSE_MS = 50;
/** Bytes that are told without waiting: more at once would save nothing, and fill the lines of slow readers. */
const ENOUGH = 64 * 1024;
/** After so many milliseconds of telling, who has asked something is answered first; but a telling is to come to its end. */
const SLICE_MS = 2;
const LONGEST_ROUND_MS = 40;
/** Members told between two looks at the clock. */
const MEMBERS = 16;

interface Round {
  readonly fan: FanOut;
  readonly members: readonly Member[];
  readonly begunMs: number;
  /** Members that have been told. */
  told: number;
  costMs: number;
}

/**
 * Entries that have become durable, until the others are told. Where many listen, each telling has its price whatever is in it, so that what
 * comes within a few turns is told together, and the telling goes on over several turns.
 */
export class NewsBoard {
  #pieces: Piece[] = [];
  #bytes = 0;
  #notBeforeMs = 0;
  #round: Round | null = null;

  get isEmpty(): boolean {
    return this.#pieces.length === 0 && this.#round === null;
  }

  add(pieces: readonly Piece[]): void {
    for (const piece of pieces) {
      this.#pieces.push(piece);
      this.#bytes += piece.bytes.length;
    }
  }

  /** Milliseconds until there is something to tell; 0: now. */
  waitMs(nowMs: number): number {
    return this.#round !== null || this.#bytes >= ENOUGH ? 0 : Math.max(0, this.#notBeforeMs - nowMs);
  }

  /**
   * Tells some of the members, or all if there are few; answers in how many milliseconds there is more to tell, null: nothing is left. Who
   * has joined since a telling began knows what it tells.
   */
  tell(members: ReadonlyMap<string, Member>, head: number): number | null {
    const round = (this.#round ??= this.#begin(members, head));
    const startedMs = performance.now();
    let endedMs = startedMs;
    const hurries = this.#bytes >= ENOUGH || startedMs - round.begunMs > LONGEST_ROUND_MS;
    const mostMs = hurries ? Number.POSITIVE_INFINITY : SLICE_MS;
    while (round.told < round.members.length && endedMs - startedMs < mostMs) {
      for (const member of round.members.slice(round.told, round.told + MEMBERS)) tellOne(member, round.fan);
      round.told += MEMBERS;
      endedMs = performance.now();
    }
    round.costMs += endedMs - startedMs;
    if (round.told < round.members.length) return 0;
    this.#round = null;
    this.#notBeforeMs = endedMs + Math.min(LONGEST_PAUSE_MS, PAUSE_PER_COST * round.costMs);
    return this.isEmpty ? null : this.waitMs(endedMs);
  }

  #begin(members: ReadonlyMap<string, Member>, head: number): Round {
    const fan = new FanOut(this.#pieces, {before: '{"type":"news","entries":[', after: `],"head":${head}}`});
    this.#pieces = [];
    this.#bytes = 0;
    return {fan, members: [...members.values()], begunMs: performance.now(), told: 0, costMs: 0};
  }
}

function tellOne(member: Member, fan: FanOut): void {
  if (!member.subscription.news) return;
  if (member.missed.news || member.isBehind) {
    member.missed.news = true;
    return;
  }
  const frame = fan.for(member);
  if (frame) member.socket.sendFramed(frame);
}
