import type {HubMessage} from '../../model/hub.ts';
import type {HubAdapterEvent, HubListener} from './hub-adapter.ts';

/** Messages held until somebody asks for them. More are dropped: direct ones come again with the next connection. */
const MAX_HELD = 1000;

/** Who listens to an adapter. One that throws does not keep the others from hearing; what it threw is thrown where nobody waits. */
export class HubListeners {
  readonly #listeners = new Map<HubListener, {readonly messages: boolean}>();
  #held: HubMessage[] = [];

  add(listener: HubListener, {messages = false}: {readonly messages?: boolean} = {}): () => void {
    this.#listeners.set(listener, {messages});
    if (messages && this.#held.length > 0) queueMicrotask(() => this.#giveHeld());
    return () => this.#listeners.delete(listener);
  }

  tell(event: HubAdapterEvent): void {
    const isMessage = event.kind === 'message';
    let isHeard = false;
    for (const [listener, {messages}] of [...this.#listeners]) {
      if (isMessage && !messages) continue;
      isHeard = true;
      try {
        listener(event);
      } catch (error) {
        queueMicrotask(() => {
          throw error;
        });
      }
    }
    if (isMessage && !isHeard && this.#held.length < MAX_HELD) this.#held.push(event.message);
  }

  #giveHeld(): void {
    const held = this.#held;
    this.#held = [];
    for (const message of held) this.tell({kind: 'message', message});
  }
}
