import type {HostMessage, Report} from '../wire/host-protocol.ts';

/** Of a resent backlog no message grows beyond what a socket accepts. */
const REPORTS_PER_MESSAGE = 500;
const CHARACTERS_PER_MESSAGE = 2_000_000;

/**
 * Reports, numbered from 1 and kept until they are acknowledged. Those of one turn of the event loop go out together;
 * without a connection they wait.
 */
export class ReportLog {
  readonly #send: (message: HostMessage) => void;
  #pending: Report[] = [];
  /** Number of `#pending[0]`. */
  #first = 1;
  /** Number of the first report that this connection has not been given. */
  #nextToSend = 1;
  #connected = false;
  #scheduled = false;
  #waiting: (() => void)[] = [];

  constructor(send: (message: HostMessage) => void) {
    this.#send = send;
  }

  get pending(): readonly Report[] {
    return this.#pending;
  }

  add(report: Report): void {
    this.#pending.push(report);
    if (this.#scheduled || !this.#connected) return;
    this.#scheduled = true;
    setImmediate(() => this.#flush());
  }

  /** Rewrites what nobody has acknowledged yet; its number stays. */
  revise(change: (report: Report) => Report): void {
    this.#pending = this.#pending.map(change);
  }

  /** Acknowledges this report and all before it. Returns them. */
  acknowledge(number: number): readonly Report[] {
    const count = Math.min(this.#pending.length, Math.max(0, number - this.#first + 1));
    const done = this.#pending.splice(0, count);
    this.#first += count;
    this.#nextToSend = Math.max(this.#nextToSend, this.#first);
    if (this.#pending.length === 0) this.#settle();
    return done;
  }

  /** A daemon has welcomed us: it gets everything that no daemon has acknowledged. */
  connected(): void {
    this.#connected = true;
    this.#nextToSend = this.#first;
    this.#flush();
  }

  disconnected(): void {
    this.#connected = false;
    this.#settle();
  }

  /** Resolves when everything has been acknowledged, or the connection is lost. */
  settled(): Promise<void> {
    return this.#pending.length === 0 ? Promise.resolve() : new Promise(resolve => this.#waiting.push(resolve));
  }

  #settle(): void {
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  #flush(): void {
    this.#scheduled = false;
    if (!this.#connected) return;
    for (;;) {
      const reports = this.#portion(this.#nextToSend - this.#first);
      if (reports.length === 0) return;
      this.#send({type: 'reports', first: this.#nextToSend, reports});
      this.#nextToSend += reports.length;
    }
  }

  /** What goes into one message, from this place on. */
  #portion(start: number): readonly Report[] {
    const reports = this.#pending.slice(start, start + REPORTS_PER_MESSAGE);
    let characters = 0;
    return reports.filter((report, index) => {
      characters += JSON.stringify(report).length;
      return index === 0 || characters <= CHARACTERS_PER_MESSAGE;
    });
  }
}
