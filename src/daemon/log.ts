import {copyFileSync, statSync, truncateSync} from 'node:fs';
import {type Logger, pino} from 'pino';

export type Log = Pick<Logger, 'debug' | 'info' | 'warn' | 'error'>;

const MAX_BYTES = 5 * 1024 * 1024;
const LOOK_EVERY = 500;

/**
 * JSON lines appended to the daemon's log file. Written synchronously, so that the last words before a crash are there.
 * At 5 MB the file is copied to `<file>.1` and emptied in place, because crash output and hosts write to it too.
 */
export function openLog(file: string): Log {
  const destination = pino.destination({dest: file, append: true, sync: true, mode: 0o600});
  // What cannot be written (full disk) is lost; without a listener it would end the process.
  destination.on('error', () => undefined);
  let lines = 0;
  shrink(file);
  return pino(
    {
      base: {pid: process.pid},
      timestamp: pino.stdTimeFunctions.isoTime,
      hooks: {
        logMethod(args, method) {
          lines += 1;
          if (lines % LOOK_EVERY === 0) shrink(file);
          method.apply(this, args);
        },
      },
    },
    destination,
  );
}

function shrink(file: string): void {
  try {
    if (statSync(file).size < MAX_BYTES) return;
    copyFileSync(file, `${file}.1`);
    truncateSync(file);
  } catch {
    // A log that cannot be kept small (full disk) is no reason to stop; the next look tries again.
  }
}
