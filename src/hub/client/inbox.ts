import type {HubMessage} from '../../model/hub.ts';
import {RecentIds} from './recent-ids.ts';

/** Ids of messages that are remembered, so that none is told twice, also when the hub delivers it again to the next connection. */
const MAX_IDS = 10_000;
/** As many acknowledgements go into one frame. */
const MAX_ACKS = 500;

/** Messages as they come in: each is told once, and direct ones are acknowledged, together with what came in the same turn. */
export class Inbox {
  readonly #ids = new RecentIds(MAX_IDS);
  readonly #acknowledge: (ids: readonly string[]) => void;
  #acks: string[] = [];

  constructor(acknowledge: (ids: readonly string[]) => void) {
    this.#acknowledge = acknowledge;
  }

  /** False: it was told before. */
  take({id, to}: HubMessage): boolean {
    if (to !== null) {
      if (this.#acks.length === 0) setImmediate(() => this.flush());
      this.#acks.push(id);
      if (this.#acks.length >= MAX_ACKS) this.flush();
    }
    return this.#ids.add(id);
  }

  flush(): void {
    const acks = this.#acks;
    this.#acks = [];
    if (acks.length > 0) this.#acknowledge(acks);
  }
}
