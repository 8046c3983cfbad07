import type {FaultKind} from './fault.ts';
import {NO_TOKENS, type Tokens} from './bill.ts';

/** One request and what was billed for it. */
export interface Charge {
  /** Milliseconds since the server started. */
  readonly atMs: number;
  readonly tookMs: number;
  readonly path: string;
  readonly model: string;
  /** From the marker `[task:ID]` in the prompt; null: it had none. */
  readonly task: string | null;
  readonly status: number;
  readonly fault: FaultKind | 'throttle' | null;
  /** The whole answer has left the server. */
  readonly whole: boolean;
  /** What the client was told that it has used; an answer that broke off may have told less than it took. */
  readonly tokens: Tokens;
  readonly usd: number;
}

export interface Bill {
  readonly requests: number;
  readonly answered: number;
  readonly tokens: Tokens;
  readonly usd: number;
  readonly statuses: Readonly<Record<string, number>>;
  readonly faults: Readonly<Record<string, number>>;
}

/** What the server has been asked and what it has billed: the truth that others' accounts are held against. */
export class Ledger {
  readonly charges: Charge[] = [];
  #now = 0;
  #peak = 0;

  /** How many requests are being answered; what the throttle refuses is not. */
  get concurrency(): number {
    return this.#now;
  }

  get peakConcurrency(): number {
    return this.#peak;
  }

  enter(): void {
    this.#now += 1;
    this.#peak = Math.max(this.#peak, this.#now);
  }

  leave(): void {
    this.#now -= 1;
  }

  /** Of all that was asked, or of one task (null: of what bore no marker). */
  bill(task?: string | null): Bill {
    const charges = this.charges.filter(charge => task === undefined || charge.task === task);
    return {
      requests: charges.length,
      answered: charges.filter(({status, whole}) => status === 200 && whole).length,
      tokens: charges.reduce((sum, {tokens}) => plus(sum, tokens), NO_TOKENS),
      usd: Math.round(charges.reduce((sum, {usd}) => sum + usd, 0) * 1e9) / 1e9,
      statuses: count(charges.map(({status}) => String(status))),
      faults: count(charges.flatMap(({fault}) => fault ?? [])),
    };
  }

  get tasks(): readonly (string | null)[] {
    return [...new Set(this.charges.map(({task}) => task))];
  }

  toJSON(): unknown {
    return {
      peakConcurrency: this.#peak,
      concurrency: this.#now,
      all: this.bill(),
      byTask: Object.fromEntries(this.tasks.map(task => [task ?? '', this.bill(task)])),
    };
  }
}

function plus(a: Tokens, b: Tokens): Tokens {
  return {
    input: a.input + b.input,
    output: a.output + b.output,
    cacheRead: a.cacheRead + b.cacheRead,
    cacheWrite: a.cacheWrite + b.cacheWrite,
  };
}

function count(words: readonly string[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const word of words) counts[word] = (counts[word] ?? 0) + 1;
  return counts;
}
