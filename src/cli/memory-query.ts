import {MAX_MEMORY_QUERY} from '../api/memory-contract.ts';
import {GodelError} from '../model/failure.ts';

/** The words of a command line as one text to look for. */
export function searchText(words: readonly string[]): string {
  const text = words.join(' ').trim();
  if (text === '') {
    const hint = 'Give the task you want to know about, for example `godel memory search "build the parser"`.';
    throw new GodelError({reason: 'usage', message: 'There is nothing to look for', hint});
  }
  if (text.length <= MAX_MEMORY_QUERY) return text;
  const range = `at most ${MAX_MEMORY_QUERY} characters long`;
  throw new GodelError({reason: 'out-of-range', what: 'The text', value: `${text.slice(0, 40)}…`, range});
}
