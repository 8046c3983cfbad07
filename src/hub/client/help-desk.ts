import type {HubMessage} from '../../model/hub.ts';
import type {Alarms} from './alarms.ts';
import {HubError} from './hub-error.ts';

interface Help {
  readonly answers: HubMessage[];
  readonly enough: number;
  done(): void;
}

/** Requests for help that wait for answers. */
const MAX_WAITING = 1000;

/** Who has asked for help, and what was answered so far. */
export class HelpDesk {
  readonly #alarms: Alarms;
  readonly #waiting = new Map<string, Help>();

  constructor(alarms: Alarms) {
    this.#alarms = alarms;
  }

  /**
   * The answers to message `id`: as soon as there are `enough`, and otherwise those that came within `deadlineMs` or until the signal is
   * aborted. Throws a HubError `limit-reached`.
   */
  wait(
    id: string,
    {enough, deadlineMs, signal}: {enough: number; deadlineMs: number; signal: AbortSignal | undefined},
  ): Promise<readonly HubMessage[]> {
    if (this.#waiting.size >= MAX_WAITING) {
      throw new HubError('limit-reached', `${MAX_WAITING} requests for help wait for answers already`);
    }
    const answers: HubMessage[] = [];
    return new Promise(resolve => {
      const done = () => {
        this.#waiting.delete(id);
        cancel();
        signal?.removeEventListener('abort', done);
        resolve(answers);
      };
      const cancel = this.#alarms.after(deadlineMs, done);
      signal?.addEventListener('abort', done, {once: true});
      this.#waiting.set(id, {answers, enough, done});
    });
  }

  /** Takes a message that may answer something. */
  hear(message: HubMessage): void {
    const help = message.correlationId === null ? undefined : this.#waiting.get(message.correlationId);
    if (help === undefined) return;
    help.answers.push(message);
    if (help.answers.length >= help.enough) help.done();
  }

  /** Whoever waits for answers to `id` gets what has come. */
  end(id: string): void {
    this.#waiting.get(id)?.done();
  }

  endAll(): void {
    for (const help of [...this.#waiting.values()]) help.done();
  }
}
