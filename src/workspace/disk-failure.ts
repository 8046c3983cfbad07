import type {Failure} from '../model/failure.ts';

/** What went wrong on the disk, as a failure; anything else that was thrown is a bug and goes on. */
export function diskFailure(error: unknown): Failure {
  if (!(error instanceof Error) || !('code' in error) || typeof error.code !== 'string') throw error;
  const hint = {
    ENOSPC: 'Make room on the disk.',
    EDQUOT: 'Make room: your quota on this disk is used up.',
    EACCES: 'Check who may write there.',
    EROFS: 'The disk is read-only.',
  }[error.code];
  return {reason: 'workspace-failed', detail: error.message, ...(hint === undefined ? {} : {hint})};
}
