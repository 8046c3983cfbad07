import {sleep} from '../../base/clock.ts';
import type {Alarms} from './alarms.ts';
import type {HubAdapter, OutgoingMessage} from './hub-adapter.ts';
import {hubErrorOf, isPassing} from './hub-error.ts';

const RETRY_MS = 100;

/**
 * Resolves when the hub has the message. Waits for the connection and tries again what passes by itself, under the same id, so that the hub
 * passes it on once; rejects with a HubError after `deadlineMs`, and at once when trying again would not help.
 */
export async function sendMessage(
  adapter: HubAdapter,
  message: OutgoingMessage,
  {deadlineMs, alarms, signal}: {deadlineMs: number; alarms: Alarms; signal: AbortSignal | undefined},
): Promise<void> {
  const untilMs = alarms.nowMs() + deadlineMs;
  for (;;) {
    try {
      await adapter.connect({deadlineMs: Math.max(0, untilMs - alarms.nowMs()), signal});
      return await adapter.send(message);
    } catch (error) {
      if (signal?.aborted) throw error;
      const failure = hubErrorOf(error);
      const pauseMs = failure.retryAfterMs ?? RETRY_MS;
      if (!isPassing(failure) || untilMs - alarms.nowMs() <= pauseMs) throw failure;
      await sleep(pauseMs, {signal});
    }
  }
}
