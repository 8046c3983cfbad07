import {createReadStream} from 'node:fs';
import {join} from 'node:path';
import picomatch from 'picomatch';
import type {OutsideTouches} from './workspace.ts';

/**
 * A glob counts from the root of the repository; one that names a folder means all that is in it, and one that begins with `!`
 * takes files away again, wherever it stands in the list.
 */
export const outsideTouches: OutsideTouches = (files, {globs}) => {
  const [taken, given] = [globs.filter(isNegated), globs.filter(glob => !isNegated(glob))];
  // Only exceptions: from everything.
  const isGiven = matcher(given.length === 0 && taken.length > 0 ? ['**'] : given);
  const isTaken = matcher(taken.map(glob => glob.slice(1)));
  return files.filter(file => !isGiven(file) || isTaken(file));
};

function isNegated(glob: string): boolean {
  return glob.startsWith('!') && !glob.startsWith('!(');
}

function matcher(globs: readonly string[]): (file: string) => boolean {
  if (globs.length === 0) return () => false;
  const patterns = globs.map(glob => glob.replace(/^(?:\.?\/)+/, '').replace(/\/+$/, ''));
  return picomatch(
    patterns.flatMap(pattern => [pattern, `${pattern}/**`]),
    {dot: true, nonegate: true},
  );
}

/** Larger ones are nobody's to resolve by hand. */
const MAX_BYTES = 20 * 2 ** 20;

/** Which of the files, relative to the folder, hold all three marks of a conflict, in their order. */
export async function markersLeft(folder: string, files: readonly string[]): Promise<readonly string[]> {
  const left: string[] = [];
  for (const file of files) if (await holdsMarkers(join(folder, file))) left.push(file);
  return left;
}

const MARKS = [/^<{7,}(?: |$)/m, /^={7,}$/m, /^>{7,}(?: |$)/m];

async function holdsMarkers(file: string): Promise<boolean> {
  let text = '';
  try {
    for await (const chunk of createReadStream(file, {encoding: 'utf8', end: MAX_BYTES})) text += String(chunk);
  } catch {
    // It has been removed, or is a folder or a submodule: there are no markers in it.
    return false;
  }
  let rest = text.replaceAll('\r\n', '\n');
  for (const mark of MARKS) {
    const found = mark.exec(rest);
    if (found === null) return false;
    rest = rest.slice(found.index + found[0].length);
  }
  return true;
}
