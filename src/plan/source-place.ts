import type {DocumentPath, Problem} from './problem.ts';

/** Something wrong with the text itself, at an offset into it. */
export interface TextProblem {
  readonly offset: number;
  readonly message: string;
  readonly hint?: string;
}

/** A document read from text, which can still tell where its parts stand. */
export interface SourceDocument {
  readonly document: unknown;
  /** Offsets into the text, one for each problem. */
  locate(problems: readonly Problem[]): readonly number[];
  /** What is legal but probably not meant. */
  readonly warnings: readonly TextProblem[];
}

/** Line and column of an offset, both from 1; columns count UTF-16 units, as editors do. */
export function positionAt(text: string, offset: number): {readonly line: number; readonly column: number} {
  let line = 1;
  let start = 0;
  for (let end = text.indexOf('\n'); end !== -1 && end < offset; end = text.indexOf('\n', start)) {
    line += 1;
    start = end + 1;
  }
  return {line, column: offset - start + 1};
}

/** The same sentence for YAML and JSON when a mapping has a key twice. */
export function duplicateKey(
  text: string,
  {path, key, first, second}: {path: DocumentPath; key: string; first: number; second: number},
): TextProblem {
  const isTask = path.length === 1 && path[0] === 'tasks';
  const lines = `lines ${positionAt(text, first).line} and ${positionAt(text, second).line}`;
  return {
    offset: second,
    message: isTask ? `there are two tasks \`${key}\`, at ${lines}` : `the key \`${key}\` is there twice, at ${lines}`,
    hint: isTask ? 'rename or remove one of them' : 'remove one of them',
  };
}
