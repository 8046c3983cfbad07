import {FanOut, type Piece} from './fan-out.ts';
import type {RecallRule} from '../../model/hub.ts';
import type {Member} from './member.ts';
import {knowsRule, ruleJson, RuleNews} from './told-rule.ts';

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
const BEFORE = '{"type":"news","entries":[';

interface Round {
  readonly pieces: readonly Piece[];
  readonly head: number;
  readonly fan: FanOut;
  /** For those who do not know yet what may be recalled now. */
  ruled: {readonly rule: RecallRule; readonly characters: number; readonly fan: FanOut} | null;
  readonly members: readonly Member[];
  readonly begunMs: number;
  /** Members that have been told. */
  told: number;
  costMs: number;
  /** Whether the line has room for rules. */
  readonly isRuleDue: boolean;
  ruledCharacters: number;
}

/**
 * Entries that have become durable, until the others are told. Where many listen, each telling has its price whatever is in it, so that what
 * comes within a few turns is told together, and the telling goes on over several turns.
 */
export class NewsBoard {
  readonly #rules: RuleNews;
  #pieces: Piece[] = [];
  #bytes = 0;
  #notBeforeMs = 0;
  #round: Round | null = null;

  /** `rule`: what may be recalled now. */
  constructor(rule: () => RecallRule) {
    this.#rules = new RuleNews(rule);
  }

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
    // Of this slice, so that nobody who has pulled since is told an older one.
    const rule = round.isRuleDue ? this.#rules.current() : null;
    let endedMs = startedMs;
    const hurries = this.#bytes >= ENOUGH || startedMs - round.begunMs > LONGEST_ROUND_MS;
    const mostMs = hurries ? Number.POSITIVE_INFINITY : SLICE_MS;
    while (round.told < round.members.length && endedMs - startedMs < mostMs) {
      for (const member of round.members.slice(round.told, round.told + MEMBERS)) tellOne(member, round, rule);
      round.told += MEMBERS;
      endedMs = performance.now();
    }
    round.costMs += endedMs - startedMs;
    if (round.told < round.members.length) return 0;
    this.#round = null;
    this.#rules.told(endedMs, round.ruledCharacters);
    this.#notBeforeMs = endedMs + Math.min(LONGEST_PAUSE_MS, PAUSE_PER_COST * round.costMs);
    return this.isEmpty ? null : this.waitMs(endedMs);
  }

  #begin(members: ReadonlyMap<string, Member>, head: number): Round {
    const pieces = this.#pieces;
    const fan = new FanOut(pieces, {before: BEFORE, after: `],"head":${head}}`});
    this.#pieces = [];
    this.#bytes = 0;
    const begunMs = performance.now();
    const rules = {ruled: null, isRuleDue: this.#rules.isDue(begunMs), ruledCharacters: 0};
    return {pieces, head, fan, members: [...members.values()], begunMs, told: 0, costMs: 0, ...rules};
  }
}

function tellOne(member: Member, round: Round, rule: RecallRule | null): void {
  if (!member.subscription.news) return;
  if (member.missed.news || member.isBehind) {
    member.missed.news = true;
    return;
  }
  const ruled = rule === null || knowsRule(member.rule, rule) ? null : withRule(round, rule);
  const frame = (ruled ?? round).fan.for(member);
  if (!frame) return;
  member.socket.sendFramed(frame);
  if (ruled === null) return;
  member.rule = ruled.rule;
  round.ruledCharacters += ruled.characters;
}

function withRule(round: Round, rule: RecallRule): NonNullable<Round['ruled']> {
  if (round.ruled?.rule === rule) return round.ruled;
  const after = `],"head":${round.head}`;
  const more = ruleJson(rule);
  const fan = new FanOut(round.pieces, {before: BEFORE, after: `${after}}`, firstAfter: `${after}${more}}`});
  round.ruled = {rule, characters: more.length, fan};
  return round.ruled;
}
