import {
  type Alias,
  type CST,
  Composer,
  type Document,
  type Node,
  Parser,
  type Scalar,
  type YAMLError,
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  isSeq,
} from 'yaml';
import {type Result, fail, ok} from '../base/result.ts';
import {MAX_DEPTH} from './json-value.ts';
import {type DocumentPath, MAX_PROBLEMS, type Problem, placeName} from './problem.ts';
import {type SourceDocument, type TextProblem, duplicateKey, positionAt} from './source-place.ts';

/** Reads a YAML 1.2 text with exactly one document. Anchors and aliases work; merge keys, tags and two documents do not. */
export function readYaml(text: string): Result<SourceDocument, readonly TextProblem[]> {
  const tokens = [...new Parser().parse(text)];
  const deep = tooDeep(tokens);
  if (deep !== null) return fail([{offset: deep, message: `this is nested deeper than ${MAX_DEPTH} levels`}]);
  // The package compares every key with every other one of its map; `YamlReader` does it in one pass.
  const composer = new Composer({uniqueKeys: false, stringKeys: true, prettyErrors: false, merge: false});
  const [document, second] = [...composer.compose(tokens, true, text.length)];
  if (!document) return fail([{offset: 0, message: 'there is nothing in it'}]);
  const syntax = [...document.errors, ...document.warnings].map(textProblem);
  if (second) syntax.push(severalDocuments(second));
  if (syntax.length > 0) return fail(firstOfEachLine(text, syntax));
  const reader = new YamlReader(text);
  const content = reader.read(document.contents, []);
  if (reader.errors.length > 0) return fail(reader.errors);
  return ok({
    document: content,
    warnings: reader.warnings,
    locate: problems => problems.map(problem => offsetOf(document, text, problem)),
  });
}

/** Offset of the first token inside too many others; the composer is recursive and would overflow the stack. */
function tooDeep(tokens: readonly CST.Token[]): number | null {
  const stack = tokens.map(token => ({token, depth: 0}));
  for (let next = stack.pop(); next; next = stack.pop()) {
    const {token, depth} = next;
    if (depth > MAX_DEPTH + 1) return token.offset;
    if (token.type === 'document' && token.value) stack.push({token: token.value, depth});
    if (!('items' in token)) continue;
    for (const item of token.items) {
      if (item.key && 'items' in item.key) stack.push({token: item.key, depth: depth + 1});
      if (item.value && 'items' in item.value) stack.push({token: item.value, depth: depth + 1});
    }
  }
  return null;
}

const WORDING: {readonly [code in YAMLError['code']]?: Omit<TextProblem, 'offset'>} = {
  TAB_AS_INDENT: {message: 'a tab indents this line', hint: 'YAML is indented with spaces'},
  BLOCK_AS_IMPLICIT_KEY: {message: 'there is a second `: ` in this line', hint: 'put the value in quotes'},
  NON_STRING_KEY: {message: 'a list or mapping cannot be a key'},
  TAG_RESOLVE_FAILED: {
    message: 'a tag (`!…`) means nothing in a plan',
    hint: 'remove the tag, or put the text in quotes',
  },
};

function textProblem(error: YAMLError): TextProblem {
  const words = WORDING[error.code] ?? {message: `not YAML: ${error.message.split('\n', 1)[0] ?? ''}`};
  return {offset: error.pos[0], ...words};
}

/** One slip makes the parser stumble several times in the same line. */
function firstOfEachLine(text: string, problems: readonly TextProblem[]): readonly TextProblem[] {
  const lines = new Set<number>();
  return problems.slice(0, 100).filter(({offset}) => {
    const {line} = positionAt(text, offset);
    const isFirst = !lines.has(line);
    lines.add(line);
    return isFirst;
  });
}

function severalDocuments(second: Document): TextProblem {
  const offset = second.range?.[0] ?? 0;
  return {offset, message: 'a second YAML document begins here', hint: 'a plan is one document: remove `---`'};
}

/**
 * Makes the document of the nodes, which `tooDeep` has let pass, and notes what is wrong on the way. An alias becomes
 * the very value it stands for, so that nothing grows here; `notJson` refuses what would grow when written out.
 */
class YamlReader {
  readonly errors: TextProblem[] = [];
  readonly warnings: TextProblem[] = [];
  readonly #text: string;
  readonly #anchors = new Map<string, unknown>();

  constructor(text: string) {
    this.#text = text;
  }

  read(node: unknown, path: DocumentPath): unknown {
    if (isAlias(node)) return this.#alias(node);
    if (isScalar(node)) {
      if (isText(path)) this.#warnOfLostText(node, path);
      return this.#anchored(node, node.value);
    }
    // Deeper than the values of a `matrix` no place matters, so the path is not kept.
    const below = (key: string | number) => (path.length < 5 ? [...path, key] : path);
    if (isSeq(node)) {
      const list: unknown[] = [];
      this.#anchored(node, list);
      for (const [index, item] of node.items.entries()) list.push(this.read(item, below(index)));
      return list;
    }
    if (!isMap(node)) return null;
    this.errors.push(...twice(node.items, {path, text: this.#text}));
    const mapping: Record<string, unknown> = {};
    this.#anchored(node, mapping);
    for (const {key, value} of node.items) {
      const name = keyText(key);
      // As an own key, which `notJson` finds; assigned it would be lost.
      const own = {value: this.read(value, below(name)), enumerable: true, writable: true, configurable: true};
      if (name === '__proto__') Object.defineProperty(mapping, name, own);
      else mapping[name] = own.value;
    }
    return mapping;
  }

  #anchored(node: {anchor?: string}, value: unknown): unknown {
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, value);
    return value;
  }

  #alias(node: Alias): unknown {
    if (this.#anchors.has(node.source)) return this.#anchors.get(node.source);
    const hint = `give it a name before with \`&${node.source}\`, or quote the text`;
    this.errors.push({offset: startOf(node), message: `the alias \`*${node.source}\` refers to nothing`, hint});
    return null;
  }

  /** `3.10` is the number 3.1: an environment variable would get another text than the one in the file. */
  #warnOfLostText({value, source, range}: Scalar, path: DocumentPath): void {
    if (source === undefined || (typeof value !== 'number' && typeof value !== 'boolean')) return;
    if (String(value) === source || this.warnings.length >= MAX_PROBLEMS) return;
    this.warnings.push({
      offset: range?.[0] ?? 0,
      message: `${placeName(path)} is read as ${value}, not as the text ${source}`,
      hint: `write "${source}" in quotes`,
    });
  }
}

function twice(
  pairs: readonly {readonly key: unknown}[],
  {path, text}: {path: DocumentPath; text: string},
): readonly TextProblem[] {
  const offsets = new Map<string, number>();
  const found: TextProblem[] = [];
  for (const {key} of pairs) {
    const name = keyText(key);
    const first = offsets.get(name);
    if (first === undefined) offsets.set(name, startOf(key));
    else if (found.length < MAX_PROBLEMS)
      found.push(duplicateKey(text, {path, key: name, first, second: startOf(key)}));
  }
  return found;
}

/** Whether what is written here becomes a text, though YAML may read it as a number. */
function isText(path: DocumentPath): boolean {
  if (path.length === 2) return path[0] === 'env' || path[0] === 'inputs';
  if (path.length === 3) return path[0] === 'inputs' && path[2] === 'default';
  const [tasks, , key] = path;
  if (tasks !== 'tasks') return false;
  return path.length === 4 ? key === 'env' : path.length === 5 && key === 'matrix';
}

function offsetOf(document: Document, text: string, {path, at, excerpt}: Problem): number {
  let node: unknown = document.contents;
  let offset = startOf(node);
  for (const [index, step] of path.entries()) {
    const target = isAlias(node) ? node.resolve(document) : node;
    const child = childAt(target, step);
    if (!child) return offset;
    const wantsKey = at === 'key' && index === path.length - 1;
    node = isPair(child) ? child.value : child;
    if (isPair(child) && (wantsKey || isEmpty(node))) offset = startOf(child.key);
    else offset = startOf(node);
  }
  if (excerpt === undefined || excerpt === '') return offset;
  const inside = text.indexOf(excerpt, offset);
  return inside !== -1 && inside < endOf(node) ? inside : offset;
}

function childAt(node: unknown, step: string | number): unknown {
  if (isMap(node)) return node.items.find(pair => keyText(pair.key) === String(step));
  return isSeq(node) ? node.items[Number(step)] : undefined;
}

function keyText(key: unknown): string {
  return isScalar(key) ? String(key.value) : String(key);
}

function isEmpty(node: unknown): boolean {
  return node === null || (isScalar(node) && node.source === '' && node.value === null);
}

function startOf(node: unknown): number {
  return isNode(node) ? ((node as Node).range?.[0] ?? 0) : 0;
}

function endOf(node: unknown): number {
  return isNode(node) ? ((node as Node).range?.[1] ?? 0) : 0;
}
