import type {RecallRule} from '../../model/hub.ts';

/** Bytes of rules in the news of one tenant per millisecond: a long rule of a large tenant waits, or is pulled. */
const BYTES_PER_MS = 20_000;

/** Whether who was told `told` last, null: nothing, knows what holds now. */
export function knowsRule(told: RecallRule | null, rule: RecallRule): boolean {
  if (told === null || told === rule) return told === rule;
  return told.quorum === rule.quorum && told.distrusted.join('\n') === rule.distrusted.join('\n');
}

/** What is put behind the other keys of a frame. */
export function ruleJson(rule: RecallRule): string {
  return `,"recall":${JSON.stringify(rule)}`;
}

/** The rule in the news of one tenant: whoever pulls is told at once, the others as fast as lines can be thought to take it. */
export class RuleNews {
  readonly #current: () => RecallRule;
  #notBeforeMs = 0;

  constructor(current: () => RecallRule) {
    this.#current = current;
  }

  current(): RecallRule {
    return this.#current();
  }

  /** Else it is told later. */
  isDue(nowMs: number): boolean {
    return nowMs >= this.#notBeforeMs;
  }

  /** So many characters were sent. */
  told(nowMs: number, characters: number): void {
    if (characters > 0) this.#notBeforeMs = nowMs + characters / BYTES_PER_MS;
  }
}
