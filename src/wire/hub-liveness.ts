/** What can be asked whether it is still there, and cut off when it is not. */
export interface Watchable {
  ping(): void;
  terminate(): void;
  /** Bytes that still wait for the peer to take them. */
  readonly backlogBytes: number;
  /** Bytes the kernel has taken for the peer since the connection began. */
  readonly takenBytes: number;
}

interface Watched {
  readonly peer: Watchable;
  /** Sweeps since the peer was last heard. */
  silent: number;
  /** As of the last sweep; null when nothing waited then. */
  takenWithBacklog: number | null;
}

const SLOTS = 12;
const SWEEPS = 4;
/** One silent sweep is the ordinary gap between two words; from the second on it is asked. */
const ASKED_FROM = 2;

/**
 * Finds dead peers among many: each is looked at four times per `deadAfterMs`, asked (pinged) once it was silent for two
 * looks and cut off at the fourth, so never later than `deadAfterMs` after it was last heard. The looks are spread over twelve
 * slots, so that ten thousand peers are not asked in one burst. It counts its own looks instead of reading a clock: a pause of
 * this very process condemns nobody. A peer that still takes what waits for it counts as heard, since its answer waits
 * behind that.
 */
export class HubLiveness {
  readonly #tickMs: number;
  readonly #slots: readonly Set<Watched>[] = Array.from({length: SLOTS}, () => new Set<Watched>());
  #next = 0;
  #slot = 0;
  #timer: NodeJS.Timeout | undefined;

  constructor(deadAfterMs: number) {
    this.#tickMs = Math.max(1, Math.floor(deadAfterMs / SWEEPS / SLOTS));
  }

  watch(peer: Watchable): {heard: () => void; stop: () => void} {
    const watched: Watched = {peer, silent: 0, takenWithBacklog: null};
    const slot = this.#slots[this.#next];
    this.#next = (this.#next + 1) % SLOTS;
    slot?.add(watched);
    this.#timer ??= setInterval(() => this.#tick(), this.#tickMs).unref();
    return {
      heard: () => {
        watched.silent = 0;
      },
      stop: () => {
        slot?.delete(watched);
        if (this.#slots.some(({size}) => size > 0)) return;
        clearInterval(this.#timer);
        this.#timer = undefined;
      },
    };
  }

  #tick(): void {
    this.#slot = (this.#slot + 1) % SLOTS;
    for (const watched of this.#slots[this.#slot] ?? []) look(watched);
  }
}

function look(watched: Watched): void {
  const {peer, takenWithBacklog} = watched;
  const taken = peer.takenBytes;
  if (takenWithBacklog !== null && taken > takenWithBacklog) watched.silent = 0;
  watched.takenWithBacklog = peer.backlogBytes > 0 ? taken : null;
  watched.silent += 1;
  if (watched.silent >= SWEEPS) peer.terminate();
  else if (watched.silent >= ASKED_FROM) peer.ping();
}
