import {fail, type Result} from '../base/result.ts';
import type {RequestId} from '../federation/engine-io.ts';
import type {Failure} from '../model/failure.ts';
import type {TeamView} from '../model/team-view.ts';

type Settle = (result: Result<TeamView, Failure>) => void;

/** Requests to the engine that wait for their `answer` effect. */
export class Requests {
  readonly #waiting = new Map<RequestId, Settle>();
  #next = 1;
  #isClosed = false;

  /** `submit` gets the number to ask with. `settled` runs within the tick that answers, before its later effects. */
  ask(submit: (request: RequestId) => void, settled: Settle = () => undefined): Promise<Result<TeamView, Failure>> {
    // It came in while the daemon was ending: the engine would take it and nobody would answer.
    if (this.#isClosed) {
      settled(fail(daemonEnding));
      return Promise.resolve(fail(daemonEnding));
    }
    const request = this.#next;
    this.#next += 1;
    return new Promise(resolve => {
      this.#waiting.set(request, result => {
        settled(result);
        resolve(result);
      });
      submit(request);
    });
  }

  answer(request: RequestId, result: Result<TeamView, Failure>): void {
    const settle = this.#waiting.get(request);
    this.#waiting.delete(request);
    settle?.(result);
  }

  /** The daemon ends: nobody will answer any more. */
  close(): void {
    this.#isClosed = true;
    for (const settle of this.#waiting.values()) settle(fail(daemonEnding));
    this.#waiting.clear();
  }
}

export const daemonEnding: Failure = {
  reason: 'daemon-unreachable',
  detail: 'The daemon is ending.',
  hint: 'Run the command again: it starts a new daemon.',
  ending: true,
};
