import type {Alarms} from './alarms.ts';
import {type HubError, hubErrorOf} from './hub-error.ts';
import {refreshInMs, unverifiedClaims} from './hub-token.ts';

const AGAIN_MS = 1000;

/**
 * Gets a new token for a live connection before its token expires. What goes wrong is tried again: in the end the hub hangs up, and the next
 * connection asks for a token anyway.
 */
export class TokenRefresh {
  readonly #alarms: Alarms;
  readonly #read: () => Promise<string>;
  readonly #failed: (error: HubError) => void;
  /** Counts connections, so that what was begun for an earlier one comes to nothing. */
  #round = 0;
  #cancel: () => void = () => undefined;

  constructor({
    alarms,
    read,
    failed,
  }: {alarms: Alarms; read: () => Promise<string>; failed: (error: HubError) => void}) {
    this.#alarms = alarms;
    this.#read = read;
    this.#failed = failed;
  }

  /** For a connection whose token lives for `lifeMs` more; `send` gives the hub a new one. */
  begin(lifeMs: number, send: (token: string) => Promise<unknown>): void {
    this.stop();
    this.#plan({round: this.#round, inMs: refreshInMs(lifeMs), lifeMs, send});
  }

  stop(): void {
    this.#round += 1;
    this.#cancel();
  }

  #plan(given: {round: number; inMs: number; lifeMs: number; send: (token: string) => Promise<unknown>}): void {
    if (given.round !== this.#round) return;
    this.#cancel = this.#alarms.after(given.inMs, () => void this.#refresh(given));
  }

  async #refresh(given: {round: number; lifeMs: number; send: (token: string) => Promise<unknown>}): Promise<void> {
    try {
      const token = await this.#read();
      if (given.round !== this.#round) return;
      await given.send(token);
      // The hub does not say how long it lives: the token says it itself, or is taken for one like the one before.
      const {expiresAtMs} = unverifiedClaims(token);
      const lifeMs = expiresAtMs === null ? given.lifeMs : expiresAtMs - Date.now();
      this.#plan({...given, lifeMs, inMs: refreshInMs(lifeMs)});
    } catch (error) {
      if (given.round !== this.#round) return;
      this.#failed(hubErrorOf(error));
      this.#plan({...given, inMs: AGAIN_MS});
    }
  }
}
