/** What can be asked whether it is still there, and cut off when it is not. */
export interface Pingable {
  ping(): void;
  terminate(): void;
}

interface Watched {
  readonly peer: Pingable;
  /** Sweeps since the peer was last heard. */
  silent: number;
}

const SWEEPS = 3;

/**
 * Finds dead peers: pings all of them three times per `deadAfterMs` and cuts off those that stayed silent throughout.
 * It counts its own sweeps instead of reading a clock, so that a pause of this very process (SIGSTOP, a sleeping
 * laptop) does not condemn peers whose answers wait unread in the socket. One timer for all peers, none without any.
 */
export class Liveness {
  readonly #sweepMs: number;
  readonly #watched = new Set<Watched>();
  #timer: NodeJS.Timeout | undefined;

  constructor(deadAfterMs: number) {
    this.#sweepMs = Math.max(1, Math.ceil(deadAfterMs / SWEEPS));
  }

  watch(peer: Pingable): {heard: () => void; stop: () => void} {
    const watched: Watched = {peer, silent: 0};
    this.#watched.add(watched);
    this.#timer ??= setInterval(() => this.#sweep(), this.#sweepMs).unref();
    return {
      heard: () => {
        watched.silent = 0;
      },
      stop: () => {
        this.#watched.delete(watched);
        if (this.#watched.size > 0) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  #sweep(): void {
    for (const watched of this.#watched) {
      watched.silent += 1;
      if (watched.silent > SWEEPS) watched.peer.terminate();
      else watched.peer.ping();
    }
  }
}
