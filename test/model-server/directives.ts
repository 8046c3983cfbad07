import {type FaultOrder, faultOrder} from './fault.ts';

/** What the lines of a prompt tell the scripted model to do. */
export type Directive =
  | {readonly do: 'edit'; readonly path: string; readonly content: string}
  | {readonly do: 'replace'; readonly path: string; readonly old: string; readonly new: string}
  | {readonly do: 'run'; readonly command: string}
  | {readonly do: 'answer'; readonly text: string}
  | {readonly do: 'wrong-tool'}
  | {readonly do: 'refuse'}
  | {readonly do: 'wait'; readonly ms: number}
  | ({readonly do: 'fault'} & FaultOrder);

const LINE =
  /^[\s*-]*(?:\[task:[^\]]*\]\s*)?(ONCONFLICT )?(EDIT|REPLACE|RUN|ANSWER|WRONGTOOL|REFUSE|WAIT|FAULT)\b[ \t]*(.*)$/;

/**
 * Reads `EDIT path: content`, `REPLACE path: old => new`, `RUN command`, `ANSWER text`, `WRONGTOOL`, `REFUSE`, `WAIT ms` and
 * `FAULT kind [times] [retry-after]`, one a line. `\n` in a line is a line break; a content, command or text that is
 * `<<WORD` goes on in the next lines up to one that is WORD. Lines with `ONCONFLICT` in front count when the prompt tells of
 * a conflict, and then only they do.
 */
export function directivesOf(prompt: string): Directive[] {
  const found: {directive: Directive; onConflict: boolean}[] = [];
  // opencode puts a prompt with spaces between quotation marks.
  const lines = prompt.replace(/^\s*"([\s\S]*)"\s*$/, '$1').split('\n');
  for (let at = 0; at < lines.length; at += 1) {
    const [, mark, word, rest = ''] = LINE.exec(lines[at] ?? '') ?? [];
    if (word === undefined) continue;
    const {text, taken} = wholeText(rest, lines.slice(at + 1));
    at += taken;
    const directive = directiveOf(word, text);
    if (directive !== null) found.push({directive, onConflict: mark !== undefined});
  }
  const isConflict = prompt.includes('conflict markers') && found.some(({onConflict}) => onConflict);
  return found.filter(({onConflict}) => onConflict === isConflict).map(({directive}) => directive);
}

function wholeText(rest: string, following: readonly string[]): {text: string; taken: number} {
  const [, before = '', end] = /^(.*?)<<(\w+)$/.exec(rest.trim()) ?? [];
  const last = end === undefined ? -1 : following.findIndex(line => line.trim() === end);
  if (last < 0) return {text: rest.trim().replaceAll('\\n', '\n'), taken: 0};
  return {text: before + following.slice(0, last).join('\n'), taken: last + 1};
}

function directiveOf(word: string, rest: string): Directive | null {
  if (word === 'RUN') return {do: 'run', command: rest};
  if (word === 'ANSWER') return {do: 'answer', text: rest};
  if (word === 'WRONGTOOL') return {do: 'wrong-tool'};
  if (word === 'REFUSE') return {do: 'refuse'};
  if (word === 'WAIT') return {do: 'wait', ms: Number(rest)};
  if (word === 'FAULT') return {do: 'fault', ...faultOrder(rest)};
  const [, path, content = ''] = /^([^\s:]+):\s?([\s\S]*)$/.exec(rest) ?? [];
  if (path === undefined) return null;
  if (word === 'EDIT') return {do: 'edit', path, content: `${content}\n`};
  const [old = '', fresh = ''] = content.split(' => ');
  return {do: 'replace', path, old, new: fresh};
}
