import type {Input} from '../federation/engine-io.ts';
import type {ModelChoice} from '../model/agent.ts';
import {memoryOf} from './engine-limits.ts';
import type {LedgerAttempt} from './ledger-entries.ts';
import {providerFor} from './who-does-it.ts';

/** What the attempts of all teams share, as the engine was last told: permits, memory, and the gates of providers. */
export class Room {
  permits = 0;
  memoryBytes = Number.POSITIVE_INFINITY;
  #gates: ReadonlyMap<string, number> = new Map();

  learn({permits, memoryBytes, gates = []}: Extract<Input, {type: 'permits'}>): void {
    this.permits = permits;
    this.memoryBytes = memoryBytes ?? Number.POSITIVE_INFINITY;
    this.#gates = new Map(gates.map(gate => [gate.provider, gate.permits]));
  }

  forget(): void {
    this.permits = 0;
    this.memoryBytes = Number.POSITIVE_INFINITY;
    this.#gates = new Map();
  }

  gateOf(provider: string): number {
    return this.#gates.get(provider) ?? Number.POSITIVE_INFINITY;
  }

  /** What these attempts leave, all but one of them if one is named. */
  beside(open: Iterable<LedgerAttempt>, except?: LedgerAttempt): RoomLeft {
    let count = 0;
    let bytes = 0;
    const running = new Map<string, number>();
    for (const attempt of open) {
      if (attempt === except) continue;
      count += 1;
      bytes += memoryOf(attempt.means?.runtime ?? null);
      const provider = attempt.means?.provider;
      if (provider !== undefined) running.set(provider, (running.get(provider) ?? 0) + 1);
    }
    const hasGate = (provider: string) => (running.get(provider) ?? 0) < this.gateOf(provider);
    return {
      bytes,
      running,
      hasRoomFor: choice => {
        if (count >= this.permits) return false;
        if (count > 0 && bytes + memoryOf(choice?.runtime ?? null) > this.memoryBytes) return false;
        return choice === null || hasGate(providerFor(choice));
      },
    };
  }
}

export interface RoomLeft {
  /** Set aside for the attempts that were counted. */
  readonly bytes: number;
  readonly running: ReadonlyMap<string, number>;
  /** Whether one attempt more could start with this; null: a command. */
  hasRoomFor(choice: ModelChoice | null): boolean;
}
