import {similarTo} from '../base/similar.ts';

/** `did you mean a, b or c?` with each in backticks; undefined when nothing is similar. */
export function didYouMean(word: string, candidates: Iterable<string>): string | undefined {
  const names = similarTo(word, candidates).map(name => `\`${name}\``);
  const last = names.pop();
  if (last === undefined) return undefined;
  return `did you mean ${names.length === 0 ? last : `${names.join(', ')} or ${last}`}?`;
}
