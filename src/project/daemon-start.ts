import type {Failure} from '../model/failure.ts';

/** How the daemon tells its launcher how the start went: one JSON line on this file descriptor, then it closes it. */
export const READY_FD = 3;

export const DAEMON_EXIT = {
  ok: 0,
  /** It said why on the ready descriptor. */
  failed: 1,
  /** A bug; the log says which. */
  crashed: 7,
  /** Another daemon holds the project's store. Nothing is wrong. */
  storeTaken: 75,
} as const;

export type StartMessage = 'ready' | {readonly failure: Failure};

export function formatStartMessage(message: StartMessage): string {
  return `${JSON.stringify(message)}\n`;
}

export function parseStartMessage(line: string): StartMessage | null {
  try {
    // Written by `formatStartMessage` of the program we have just started.
    return JSON.parse(line) as StartMessage;
  } catch {
    return null;
  }
}
