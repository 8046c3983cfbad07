import {type Result, fail, ok} from '../base/result.ts';
import {type DocumentPath, MAX_PROBLEMS, type Problem} from './problem.ts';
import {type SourceDocument, type TextProblem, duplicateKey} from './source-place.ts';

/**
 * Reads a JSON text, many times faster than as YAML, which it also is. Null when it is not JSON: then the YAML parser
 * says what is wrong, or reads it (`{version: 1}`).
 */
export function readJson(text: string): Result<SourceDocument, readonly TextProblem[]> | null {
  if (!/^\s*\{/.test(text)) return null;
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return null;
  }
  const twice: TextProblem[] = [];
  walk(text, ({path, key, first, offset}) => {
    if (first === undefined || twice.length >= MAX_PROBLEMS) return;
    twice.push(duplicateKey(text, {path: path.slice(0, -1), key: String(key), first, second: offset}));
  });
  if (twice.length > 0) return fail(twice);
  return ok({document, warnings: [], locate: problems => locate(text, problems)});
}

function locate(text: string, problems: readonly Problem[]): readonly number[] {
  const places = new Map<string, Member>();
  const wanted = new Set(
    problems.flatMap(({path}) => path.map((_, index) => JSON.stringify(path.slice(0, index + 1)))),
  );
  const longest = Math.max(...problems.map(({path}) => path.length));
  const lastSteps = new Set(problems.flatMap(({path}) => path));
  walk(text, member => {
    if (member.path.length > longest || !lastSteps.has(member.key)) return;
    const name = JSON.stringify(member.path);
    if (wanted.has(name)) places.set(name, {...member, path: []});
  });
  const top = Math.max(0, text.indexOf('{'));
  return problems.map(({path, at, excerpt}) => {
    for (let length = path.length; length > 0; length--) {
      const member = places.get(JSON.stringify(path.slice(0, length)));
      if (!member) continue;
      if (at === 'key' && length === path.length) return member.offset;
      const inside =
        excerpt === undefined ? -1 : text.indexOf(JSON.stringify(excerpt).slice(1, -1), member.valueOffset);
      return inside === -1 ? member.valueOffset : inside;
    }
    return top;
  });
}

interface Member {
  /** The walker's own array: copy it to keep it. */
  readonly path: DocumentPath;
  readonly key: string | number;
  /** Of the key, or of the element of a list. */
  readonly offset: number;
  readonly valueOffset: number;
  /** Where the same key stood before in the same object. */
  readonly first: number | undefined;
}

/** Calls `visit` for every member of every object and list of a text that is known to be JSON. */
function walk(text: string, visit: (member: Member) => void): void {
  const path: (string | number)[] = [];
  const open: {keys: Map<string, number> | null}[] = [];
  const token = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gy;
  const space = /\s*/gy;
  let key: {text: string; offset: number} | null = null;
  for (let index = skipSpace(0); index < text.length; index = skipSpace(token.lastIndex)) {
    token.lastIndex = index;
    const word = token.exec(text)?.[0];
    if (word === undefined) return;
    const frame = open.at(-1);
    if (word === '}' || word === ']') {
      open.pop();
      path.pop();
    } else if (word === ',') {
      const last = path.at(-1);
      if (typeof last === 'number') path[path.length - 1] = last + 1;
    } else if (word === ':') {
      continue;
    } else if (frame?.keys && !key) {
      key = {text: String(JSON.parse(word)), offset: index};
    } else {
      if (frame) announce(frame.keys, index);
      key = null;
      if (word === '{' || word === '[') {
        open.push({keys: word === '{' ? new Map() : null});
        path.push(word === '{' ? '' : 0);
      }
    }
  }

  function announce(keys: Map<string, number> | null, valueOffset: number): void {
    if (!keys || !key) {
      visit({path, key: path.at(-1) ?? 0, offset: valueOffset, valueOffset, first: undefined});
      return;
    }
    path[path.length - 1] = key.text;
    visit({path, key: key.text, offset: key.offset, valueOffset, first: keys.get(key.text)});
    keys.set(key.text, key.offset);
  }

  function skipSpace(from: number): number {
    space.lastIndex = from;
    space.exec(text);
    return space.lastIndex;
  }
}
