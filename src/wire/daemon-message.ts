import type {DaemonMessage} from './host-protocol.ts';

/**
 * Reads what a daemon says. A host obeys its daemon in everything (they are one program of one user), so only the shape
 * common to all messages is checked; what a newer daemon may add is left to the receiver.
 */
export function parseDaemonMessage(value: unknown): DaemonMessage {
  if (typeof value === 'object' && value !== null && 'type' in value && typeof value.type === 'string') {
    return value as DaemonMessage;
  }
  throw new Error('expected a message of a daemon');
}
