import {GodelError} from '../model/failure.ts';

/** An argument that came out empty, as a variable of a shell may: it names nothing. */
export function refuseEmpty(what: string, words: readonly string[]): void {
  if (!words.includes('')) return;
  throw new GodelError({
    reason: 'usage',
    message: `${what} is empty`,
    hint: 'Give its name, or leave the argument out.',
  });
}
