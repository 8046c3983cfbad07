import type {HubParts, Refusal} from './hub-parts.ts';
import type {Member} from './member.ts';

export interface TokenWatchParts extends Pick<HubParts, 'auth' | 'wallMs'> {
  /** From the end of a token, or since nobody can say whether it holds, to the end of its connection, in milliseconds. */
  readonly graceMs: number;
  readonly unexpected: (error: unknown) => void;
}

type Watched = Pick<Member, 'identity'>;

/** A recheck that fails for one fails for all most of the time: what it threw is told so often at most, in milliseconds. */
const TELL_MS = 1000;

/**
 * Whether agents that are connected may stay. One whose token cannot be checked stays for a while, since others can only wait, too, until
 * the keys are readable again; then it goes, since what was called back meanwhile would go unseen.
 */
export class TokenWatch {
  readonly #parts: TokenWatchParts;
  /** Since when nobody could say of a member whether its token holds, in monotonic milliseconds. */
  readonly #unsureSinceMs = new WeakMap<Watched, number>();
  #toldMs = Number.NEGATIVE_INFINITY;

  constructor(parts: TokenWatchParts) {
    this.#parts = parts;
  }

  /** Why a member must go; null: it may stay. */
  refusalOf(member: Watched, nowMs: number): Pick<Refusal, 'code' | 'message'> | null {
    const {wallMs, graceMs} = this.#parts;
    const overMs = wallMs() - member.identity.expiresAtMs;
    if (overMs >= graceMs) {
      return {code: 'token-expired', message: 'the token has expired, and no new one came in time'};
    }
    if (overMs >= 0) return null;
    const failure = this.#recheck(member, nowMs);
    if (failure?.code === 'unavailable') return this.#unsure(member, nowMs);
    this.#unsureSinceMs.delete(member);
    // When it ends by itself is judged above, with its grace.
    return failure === null || failure.code === 'token-expired' ? null : failure;
  }

  #recheck({identity}: Watched, nowMs: number): Pick<Refusal, 'code' | 'message'> | null {
    try {
      const still = this.#parts.auth.recheck(identity);
      return still.ok ? null : still.failure;
    } catch (error) {
      if (nowMs - this.#toldMs >= TELL_MS) {
        this.#toldMs = nowMs;
        this.#parts.unexpected(error);
      }
      return {code: 'unavailable', message: 'it threw'};
    }
  }

  #unsure(member: Watched, nowMs: number): Pick<Refusal, 'code' | 'message'> | null {
    const sinceMs = this.#unsureSinceMs.get(member) ?? nowMs;
    this.#unsureSinceMs.set(member, sinceMs);
    if (nowMs - sinceMs < this.#parts.graceMs) return null;
    return {code: 'unavailable', message: 'the hub cannot tell whether the token still holds; see its log'};
  }
}
