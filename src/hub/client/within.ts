import type {Alarms} from './alarms.ts';

/**
 * As `promise`, but rejects with `why()` after `ms` milliseconds, and with the signal's reason when it is aborted. What the promise becomes
 * after that is ignored.
 */
export function within<T>(
  promise: Promise<T>,
  {ms, alarms, signal, why}: {ms: number; alarms: Alarms; signal?: AbortSignal | undefined; why: () => Error},
): Promise<T> {
  return new Promise<T>((resolve, reject) => {
    const over = () => {
      cancel();
      signal?.removeEventListener('abort', onAbort);
    };
    const refuse = (error: unknown) => {
      over();
      reject(error instanceof Error ? error : new Error(String(error)));
    };
    const onAbort = () => refuse(signal?.reason);
    const cancel = alarms.after(ms, () => refuse(why()));
    if (signal?.aborted) return onAbort();
    signal?.addEventListener('abort', onAbort, {once: true});
    promise.then(value => {
      over();
      resolve(value);
    }, refuse);
  });
}
