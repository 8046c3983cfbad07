import {readFileSync} from 'node:fs';
import {fileURLToPath, URL} from 'node:url';
import {type Random, seededRandom} from '../../src/base/random.ts';
import type {LogItem} from '../../src/model/episode.ts';

/** Of 100,000 episodes about two have the same rare word. */
const RARE_SHARE = 0.03;
const RARE_WORDS = 100_000;
const AGENTS = 1000;

/** Words of a real text, the more frequent first. */
export const COMMON = frequentWords(readFileSync(fileURLToPath(new URL('../../README.md', import.meta.url)), 'utf8'));

function frequentWords(source: string): readonly string[] {
  const counts = new Map<string, number>();
  for (const [word] of source.toLowerCase().matchAll(/[a-z]{2,}/g)) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts].toSorted(([, a], [, b]) => b - a).map(([word]) => word);
}

type EpisodeItem = Extract<LogItem, {kind: 'episode'}>;

/** Texts and episodes such as agents write, the same for the same seed. */
export class Corpus {
  readonly #random: Random;
  #made = 0;

  constructor(seed: number) {
    this.#random = seededRandom(seed);
  }

  /** Words as often as they are by Zipf's law: a few nearly everywhere, many nearly nowhere. */
  text(words: number): string {
    return Array.from({length: words}, () => {
      const rank = Math.floor(COMMON.length ** this.#random());
      return this.#random() < RARE_SHARE ? this.rareWord() : (COMMON[rank - 1] ?? 'it');
    }).join(' ');
  }

  rareWord(): string {
    return `rare${Math.floor(this.#random() * RARE_WORDS)}`;
  }

  /** True as often as `share` says. */
  chance(share: number): boolean {
    return this.#random() < share;
  }

  /** Of about 600 bytes. */
  episode(tags: readonly string[] = ['build', 'parser']): EpisodeItem {
    return {
      kind: 'episode',
      episode: {
        id: this.id(),
        agentId: `agent-${Math.floor(this.#random() * AGENTS)}`,
        sessionId: null,
        task: this.text(10),
        input: this.text(15),
        output: this.text(25),
        critique: this.text(12),
        reward: this.#random(),
        success: this.#random() < 0.7,
        tags,
        at: stampNow(),
        expiresAtMs: null,
        signature: null,
      },
    };
  }

  /** A version 7 UUID. */
  id(): string {
    const hex = (digits: number) =>
      Math.floor(this.#random() * 16 ** digits)
        .toString(16)
        .padStart(digits, '0');
    const time = Date.now().toString(16).padStart(12, '0');
    const count = (this.#made++ & 0xfff).toString(16).padStart(3, '0');
    return `${time.slice(0, 8)}-${time.slice(8)}-7${count}-${hex(4)}-${hex(12)}`;
  }
}

/** A stamp of the hybrid clock. */
export function stampNow(node = 'bench'): string {
  return `${Date.now().toString(16).padStart(12, '0')}-0000-${node}`;
}
