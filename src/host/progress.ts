import type {AttemptId} from '../model/ids.ts';
import type {HostMessage} from '../wire/host-protocol.ts';

const EVERY_MS = 500;

/** The last lines of attempts that have printed something, for display: at most two messages a second. */
export class Progress {
  readonly #send: (message: HostMessage) => void;
  readonly #changed = new Map<AttemptId, () => string | null>();
  #timer: NodeJS.Timeout | undefined;

  constructor(send: (message: HostMessage) => void) {
    this.#send = send;
  }

  changed(attempt: AttemptId, lastLine: () => string | null): void {
    this.#changed.set(attempt, lastLine);
    this.#timer ??= setTimeout(() => this.#flush(), EVERY_MS);
  }

  /** Its last line is of no interest any more. */
  forget(attempt: AttemptId): void {
    this.#changed.delete(attempt);
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#changed.clear();
  }

  #flush(): void {
    this.#timer = undefined;
    const lines = [...this.#changed].flatMap(([attempt, lastLine]) => {
      const line = lastLine();
      return line === null ? [] : [{attempt, line}];
    });
    this.#changed.clear();
    if (lines.length > 0) this.#send({type: 'progress', lines});
  }
}
