import {sleep} from '../../base/clock.ts';
import type {MessageKind} from '../../model/hub.ts';
import type {Alarms} from './alarms.ts';
import type {HubAdapter, OutgoingMessage} from './hub-adapter.ts';
import {hubErrorOf, isPassing} from './hub-error.ts';
import type {SendOptions} from './realtime-options.ts';
import {uuidV7} from './uuid-v7.ts';

const RETRY_MS = 100;

export interface Told {
  readonly kind: MessageKind;
  readonly to: string | null;
  readonly topic: string | null;
  /** Of everybody, only who has all of these; one agent is told whatever it has. */
  readonly skills?: readonly string[] | undefined;
  /** JSON. */
  readonly body: unknown;
}

export function messageOf(
  {skills = [], ...told}: Told,
  {priority = 'normal', correlationId, id = uuidV7()}: SendOptions & {readonly id?: string},
): OutgoingMessage {
  const isForSome = told.to === null && skills.length > 0;
  return {id, ...told, ...(isForSome && {skills: [...skills]}), priority, correlationId: correlationId ?? null};
}

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
