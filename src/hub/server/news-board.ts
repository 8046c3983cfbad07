import {FanOut, type Piece} from './fan-out.ts';
import type {RecallRule} from '../../model/hub.ts';
import type {Member} from './member.ts';
import {knowsRule, ruleJson, RuleNews} from './told-rule.ts';

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
  readonly #rules: RuleNews;
  #pieces: Piece[] = [];
  #characters = 0;
  #notBeforeMs = 0;

  /** `rule`: what may be recalled now. */
  constructor(rule: () => RecallRule) {
    this.#rules = new RuleNews(rule);
  }

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
    const wrap = (entries: string, more = '') => `{"type":"news","entries":[${entries}],"head":${head}${more}}`;
    const pieces = this.#pieces;
    const fan = new FanOut(pieces, entries => wrap(entries));
    const rule = this.#rules.at(startedMs);
    const more = rule === null ? '' : ruleJson(rule);
    let fanWithRule: FanOut | undefined;
    let ruled = 0;
    this.#pieces = [];
    this.#characters = 0;
    for (const member of members) {
      if (!member.subscription.news) continue;
      if (member.missed.news || member.isBehind) member.missed.news = true;
      else {
        const isNewTo = rule !== null && !knowsRule(member.rule, rule);
        if (isNewTo) fanWithRule ??= new FanOut(pieces, (entries, nth) => wrap(entries, nth === 0 ? more : ''));
        const frame = (isNewTo ? fanWithRule : fan)?.for(member);
        if (!frame) continue;
        member.socket.sendFramed(frame);
        if (!isNewTo) continue;
        member.rule = rule;
        ruled += 1;
      }
    }
    const endedMs = performance.now();
    if (ruled > 0) this.#rules.told(endedMs, ruled * more.length);
    this.#notBeforeMs = endedMs + Math.min(LONGEST_PAUSE_MS, PAUSE_PER_COST * (endedMs - startedMs));
  }
}
