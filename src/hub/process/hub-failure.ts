import {type Failure, GodelError} from '../../model/failure.ts';
import {codeOf} from '../security/private-file.ts';

const UNWRITABLE: ReadonlySet<unknown> = new Set([
  'EACCES',
  'EROFS',
  'EPERM',
  'ENOSPC',
  'ENOENT',
  'ENOTDIR',
  'EDQUOT',
  'EEXIST',
  'EISDIR',
]);

/** What a person is told who asked for it; null: it is a bug. `where`: the folder or file it is about. */
export function hubFailure(
  error: unknown,
  {where, port, host}: {where: string; port?: number; host?: string},
): Failure | null {
  if (error instanceof GodelError) return error.failure;
  if (!(error instanceof Error)) return null;
  const code = codeOf(error);
  if (code === 'EADDRINUSE') {
    const message = `port ${port ?? ''} of ${host ?? ''} is in use by another program`;
    return {
      reason: 'usage',
      message,
      hint: 'Choose another with --port, or end the other one; --port 0 takes any that is free.',
    };
  }
  if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND' || (code === 'EACCES' && /listen/.test(error.message))) {
    const message = `the hub cannot listen at ${host ?? ''}:${port ?? ''} (${code})`;
    return {reason: 'usage', message, hint: 'Use --host with an address of this machine, and a port above 1023.'};
  }
  if (UNWRITABLE.has(code)) {
    const hint = 'Name a file in a folder that is there and that you may write to.';
    return {reason: 'project-unusable', path: where, detail: error.message, hint};
  }
  // Errors of the TLS library are told as they are; those of ours say what to do.
  return isBug(error) ? null : {reason: 'usage', message: error.message};
}

const MISTAKES = /^(?:Internal error|Cannot |.* is not (?:a function|a constructor|iterable|defined))/;

function isBug(error: Error): boolean {
  return error instanceof ReferenceError || error instanceof AggregateError || MISTAKES.test(error.message);
}

/** Throws what `body` throws as a `GodelError`, unless it is a bug. */
export async function told<T>(about: Parameters<typeof hubFailure>[1], body: () => Promise<T> | T): Promise<T> {
  try {
    return await body();
  } catch (error) {
    const failure = hubFailure(error, about);
    throw failure === null || error instanceof GodelError ? error : new GodelError(failure, {cause: error});
  }
}
