import {readdirSync, readFileSync} from 'node:fs';

const REPOSITORY = new URL('../../', import.meta.url);

export interface Page {
  /** Relative to the repository. */
  readonly path: string;
  readonly text: string;
}

/** All pages that people read: those in the repository's top folder and in docs/. */
export function pages(): readonly Page[] {
  return ['', 'docs/'].flatMap(folder => {
    const names = readdirSync(new URL(`./${folder}`, REPOSITORY)).filter(name => name.endsWith('.md'));
    return names.map(name => ({path: folder + name, text: readFileSync(new URL(folder + name, REPOSITORY), 'utf8')}));
  });
}

export interface CodeBlock {
  readonly path: string;
  readonly line: number;
  readonly language: string;
  readonly code: string;
}

/** The fenced blocks of a page. */
export function codeBlocks({path, text}: Page): readonly CodeBlock[] {
  return [...text.matchAll(/^```(\w*)[^\n]*\n(.*?)^`{3,}$/gms)].map(match => ({
    path,
    line: text.slice(0, match.index).split('\n').length,
    language: match[1]!,
    code: match[2]!,
  }));
}
