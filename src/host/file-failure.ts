import type {Failure} from '../model/failure.ts';

/** What an attempt fails with when its output cannot be written; anything but an error of the OS is thrown again. */
export function fileFailure(file: string, error: unknown): Failure {
  if (!(error instanceof Error) || !('code' in error)) throw error;
  return {reason: 'output-unwritable', file, code: String(error.code), detail: shortened(error.message)};
}

/** A daemon refuses a report with a longer detail, and would be sent it again for ever: a path may have 4096 bytes. */
export function shortened(detail: string): string {
  return detail.slice(0, 2000);
}
