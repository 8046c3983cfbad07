import {PRIORITIES, type Priority} from '../../model/hub.ts';

/** A message made ready for the line (`frameText`). */
export interface ReadyMessage {
  readonly priority: Priority;
  readonly frame: Buffer;
}

/** Messages that wait for one connection: the urgent first, those of one priority in the order they came. */
export class Outbox {
  readonly #queues: Record<Priority, Buffer[]> = {urgent: [], high: [], normal: [], low: []};
  #count = 0;
  #bytes = 0;

  get isEmpty(): boolean {
    return this.#count === 0;
  }

  get count(): number {
    return this.#count;
  }

  get bytes(): number {
    return this.#bytes;
  }

  add({priority, frame}: ReadyMessage): void {
    this.#queues[priority].push(frame);
    this.#count += 1;
    this.#bytes += frame.length;
  }

  /** All of them, as they are to be sent. */
  take(): readonly Buffer[] {
    const frames = BY_RANK.flatMap(priority => this.#queues[priority].splice(0));
    this.#count = 0;
    this.#bytes = 0;
    return frames;
  }
}

const BY_RANK = PRIORITIES.toReversed();

/** The most urgent first; stable. */
export function byRank<Message extends ReadyMessage>(messages: readonly Message[]): readonly Message[] {
  if (messages.length < 2) return messages;
  return messages.toSorted((a, b) => BY_RANK.indexOf(a.priority) - BY_RANK.indexOf(b.priority));
}
