import type {Input} from '../federation/engine-io.ts';
import type {Dice} from './dice.ts';

const MIB = 2 ** 20;
const PROVIDERS = ['anthropic', 'openai', 'pi', 'local', 'opencode'] as const;

/** What the machine and the accounts of its user allow at a time. */
export class SimulatedLimits {
  readonly #dice: Dice;
  #attempts: number;
  #memoryBytes: number | null;
  readonly #gates = new Map<string, number>();

  constructor(dice: Dice) {
    this.#dice = dice;
    this.#attempts = dice.pick([1, 2, 4, 8, 100, 100]);
    this.#memoryBytes = dice.pick([null, null, 100 * MIB, 400 * MIB, 2000 * MIB]);
    for (const provider of PROVIDERS) if (dice.chance(0.2)) this.#gates.set(provider, dice.whole(0, 4));
  }

  permits(want: number): Extract<Input, {type: 'permits'}> {
    const permits = Math.min(want, this.#attempts);
    return {
      type: 'permits',
      permits,
      ...(this.#memoryBytes === null ? {} : {memoryBytes: this.#memoryBytes}),
      why: permits < want ? 'memory' : null,
      gates: [...this.#gates].map(([provider, allowed]) => ({
        provider,
        permits: allowed,
        why: `${provider} allows ${allowed} at a time`,
      })),
    };
  }

  changePermits(): void {
    this.#attempts = this.#dice.pick([0, 1, 2, 3, 5, 10, 100]);
  }

  changeGate(): void {
    const provider = this.#dice.pick(PROVIDERS);
    const permits = this.#dice.pick([null, 0, 0, 1, 2, 4]);
    if (permits === null) this.#gates.delete(provider);
    else this.#gates.set(provider, permits);
  }

  changeMemory(): void {
    this.#memoryBytes = this.#dice.pick([null, 1, 100 * MIB, 300 * MIB, 1000 * MIB]);
  }

  narrow(provider: string): void {
    this.#gates.set(provider, this.#dice.whole(0, 2));
  }

  widen(provider: string): void {
    this.#gates.delete(provider);
  }

  /** Nothing limits any more. */
  lift(): void {
    this.#attempts = 100;
    this.#memoryBytes = null;
    this.#gates.clear();
  }
}
