const MAX_CHARS = 48;
const MAX_BYTES = 120;

/** Gives out task ids made from titles: words with dashes between them, each id once. */
export class TaskIds {
  readonly #used = new Set<string>();
  readonly #last = new Map<string, number>();

  idFor(title: string): string {
    const slug = slugOf(title);
    for (let number = this.#last.get(slug) ?? 1; ; number += 1) {
      const id = number === 1 ? slug : `${slug}-${number}`;
      if (this.#used.has(id)) continue;
      this.#used.add(id);
      this.#last.set(slug, number + 1);
      return id;
    }
  }
}

/** Letters and digits of any language; at most what stays legible and fits into a task id. */
function slugOf(title: string): string {
  const words =
    title
      .normalize('NFC')
      .toLowerCase()
      .match(/[\p{L}\p{N}\p{M}]+/gu) ?? [];
  let slug = '';
  for (const word of words) {
    const longer = slug === '' ? word : `${slug}-${word}`;
    if (longer.length > MAX_CHARS || Buffer.byteLength(longer) > MAX_BYTES) break;
    slug = longer;
  }
  return slug === '' ? cutWord(words[0]) : slug;
}

function cutWord(word: string | undefined): string {
  if (word === undefined) return 'task';
  let cut = '';
  for (const sign of word) {
    if (cut.length + sign.length > MAX_CHARS || Buffer.byteLength(cut + sign) > MAX_BYTES) break;
    cut += sign;
  }
  return cut;
}
