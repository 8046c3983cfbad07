import type {Failure} from '../model/failure.ts';

/** What an attempt fails with when its output cannot be written; anything but an error of the OS is thrown again. */
export function fileFailure(file: string, error: unknown): Failure {
  if (!(error instanceof Error) || !('code' in error)) throw error;
  return {reason: 'output-unwritable', file, code: String(error.code), detail: error.message};
}
