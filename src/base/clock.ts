/** One instant: `monoMs` for deadlines and durations (never jumps), `wallMs` (Unix epoch) for display only. */
export interface Now {
  readonly monoMs: number;
  readonly wallMs: number;
}

/**
 * The present. `monoMs` counts from boot on Linux and macOS, so that it agrees between processes of one machine;
 * it is meaningless after a reboot.
 */
export function readClock(): Now {
  return {monoMs: Number(process.hrtime.bigint() / 1000n) / 1000, wallMs: Date.now()};
}

/** Resolves after `ms` milliseconds, or rejects with the signal's reason as soon as it is aborted. */
export function sleep(ms: number, {signal}: {signal?: AbortSignal | undefined} = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(asError(signal.reason));
      return;
    }
    const onAbort = () => {
      clearTimeout(timer);
      reject(asError(signal?.reason));
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, ms);
    signal?.addEventListener('abort', onAbort, {once: true});
  });
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
