import type {JsonValue} from '../../base/json.ts';
import type {Result} from '../../base/result.ts';
import {type Malformed, reading} from './foreign.ts';
import {later, readWritten, type Written} from './latest.ts';

/**
 * A register in which the last writer wins, by hybrid logical time; of concurrent writes one is lost, on every replica the same. Where
 * both must be kept, use a `VersionVectorSet`. A value: nothing changes it.
 */
export class LwwRegister<V extends JsonValue> {
  readonly #write: Written<V>;

  private constructor(write: Written<V>) {
    this.#write = write;
  }

  /** `at` is a stamp of a `HybridClock`. */
  static of<V extends JsonValue>(value: V, at: string): LwwRegister<V> {
    return new LwwRegister({at, tie: '', value});
  }

  get value(): V {
    return this.#write.value;
  }

  get at(): string {
    return this.#write.at;
  }

  set(value: V, at: string): LwwRegister<V> {
    return this.merge(LwwRegister.of(value, at));
  }

  merge(other: LwwRegister<V>): LwwRegister<V> {
    return later(this.#write, other.#write) === this.#write ? this : other;
  }

  toJSON(): readonly [string, string, V] {
    const {at, tie, value} = this.#write;
    return [at, tie, value];
  }

  /** `readValue` checks the value and throws by `refuse`. */
  static parse<V extends JsonValue>(
    value: unknown,
    readValue: (value: unknown) => V,
  ): Result<LwwRegister<V>, Malformed> {
    return reading('LWW register', () => new LwwRegister(readWritten(value, readValue)));
  }
}
