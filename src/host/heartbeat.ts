import {readClock} from '../base/clock.ts';
import type {Vitals} from '../model/health.ts';
import type {HostMessage} from '../wire/host-protocol.ts';

const EVERY_MS = 500;
/** What the loop is late by anyway. */
const USUAL_LAG_MS = 20;
/** The first protocol with a message for vitals. */
const VITALS_PROTOCOL = 2;

/** Tells the daemon twice a second that the host is there, how late it is, and how its attempts are: one timer, while it has teams. */
export class Heartbeat {
  readonly #send: (message: HostMessage) => void;
  readonly #vitals: () => readonly Vitals[];
  #protocol: number | null = null;
  #hasTeams = false;
  #timer: NodeJS.Timeout | undefined;
  #dueMs = 0;

  constructor(send: (message: HostMessage) => void, vitals: () => readonly Vitals[]) {
    this.#send = send;
    this.#vitals = vitals;
  }

  /** Null: there is nobody to tell. */
  set protocol(protocol: number | null) {
    this.#protocol = protocol;
    this.#set();
  }

  set hasTeams(hasTeams: boolean) {
    this.#hasTeams = hasTeams;
    this.#set();
  }

  close(): void {
    this.hasTeams = false;
  }

  /** Once more, and the next one its usual time from now. Nothing where nobody is to be told. */
  beatNow(): void {
    if (!this.#timer) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
    this.#dueMs = readClock().monoMs;
    this.#beat();
    this.#set();
  }

  #set(): void {
    if (!this.#hasTeams || this.#protocol === null) {
      clearInterval(this.#timer);
      this.#timer = undefined;
      return;
    }
    if (this.#timer) return;
    this.#dueMs = readClock().monoMs + EVERY_MS;
    this.#timer = setInterval(() => this.#beat(), EVERY_MS);
  }

  #beat(): void {
    const nowMs = readClock().monoMs;
    const lagMs = Math.max(0, Math.round(nowMs - this.#dueMs));
    this.#dueMs = nowMs + EVERY_MS;
    const vitals = (this.#protocol ?? 0) >= VITALS_PROTOCOL ? this.#vitals() : [];
    const isNews = vitals.length > 0 || lagMs > USUAL_LAG_MS;
    if (isNews && (this.#protocol ?? 0) >= VITALS_PROTOCOL) this.#send({type: 'vitals', lagMs, vitals});
    else this.#send({type: 'beat'});
  }
}
