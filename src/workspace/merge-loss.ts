import {randomBytes} from 'node:crypto';
import {ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import {git} from './git.ts';

/** Four trees of one merge: what both started from, the change, the branch before, and the branch with the change. */
export interface MergeTrees {
  readonly base: string;
  readonly work: string;
  readonly tip: string;
  readonly merged: string;
}

type Side = keyof MergeTrees;

/** A file in one tree; null: not there. */
type Entry = {readonly mode: string; readonly blob: string} | null;
type Diff = ReadonlyMap<string, {readonly before: Entry; readonly after: Entry}>;

/** Larger ones are compared as a whole. */
const MAX_TEXT_BYTES = 4 * 2 ** 20;
const MAX_TOTAL_BYTES = 48 * 2 ** 20;

/**
 * The files in which a merge that git calls clean may have lost part of the change: a merge driver that keeps one side, for
 * example. Found without git's own merge: a file that only the change touched must be in the result as the change has it, and
 * of one that both sides touched, every line must be there as often as the counts in the other three trees say.
 */
export async function lostFiles(root: string, trees: MergeTrees): Promise<Result<readonly string[], Failure>> {
  const diffs = await diffsOf(root, [
    [trees.base, trees.work],
    [trees.base, trees.tip],
    [trees.tip, trees.merged],
  ]);
  if (!diffs.ok) return diffs;
  const [work, tip, merged] = diffs.value;
  const open = [...work.keys()].filter(path => !isSettled(path, {work, tip, merged}));
  // What the merge has changed elsewhere: a renamed file is two paths.
  const elsewhere = [...merged.keys()].filter(path => !work.has(path));
  const all: Diffs = {work, tip, merged};
  const states = new Map([...open, ...elsewhere].map(path => [path, statesOf(path, all)]));
  const texts = await textsOf(root, blobsOf([...states.values()]));
  if (!texts.ok) return texts;
  const isKept = (files: readonly States[]) => linesAreKept(countsOf(files, texts.value));
  const doubtful = [...states].filter(([, each]) => losesMode(each) || !isKept([each]));
  // Only what was renamed may have its lines at another path; no file that is in all four trees was.
  const lost = doubtful.filter(([, each]) => losesMode(each) || isEverywhere(each));
  if (lost.length === 0 && isKept(doubtful.map(([, each]) => each))) return ok([]);
  return ok((lost.length > 0 ? lost : doubtful).map(([path]) => path).toSorted());
}

interface Diffs {
  readonly work: Diff;
  readonly tip: Diff;
  readonly merged: Diff;
}

/** Whether the file is in the result exactly as it should be, so that no line of it needs to be looked at. */
function isSettled(path: string, {work, tip, merged}: Diffs): boolean {
  const wanted = work.get(path)?.after ?? null;
  const theirs = tip.get(path);
  const result = merged.get(path);
  if (theirs === undefined)
    return isSame(result === undefined ? (work.get(path)?.before ?? null) : result.after, wanted);
  return isSame(theirs.after, wanted) && result === undefined;
}

/** A file in each of the four trees. */
type States = Readonly<Record<Side, Entry>>;

function statesOf(path: string, {work, tip, merged}: Diffs): States {
  const [ours, theirs, result] = [work.get(path), tip.get(path), merged.get(path)];
  // A path that neither side has changed since the base is in the base as it was before the merge.
  const base = (ours ?? theirs ?? result)?.before ?? null;
  const before = theirs === undefined ? base : theirs.after;
  return {
    base,
    work: ours === undefined ? base : ours.after,
    tip: before,
    merged: result === undefined ? before : result.after,
  };
}

/** Whether the change makes a file executable (or not, or a link), and the result does not. */
function losesMode({base, work, merged}: States): boolean {
  return base !== null && work !== null && merged !== null && base.mode !== work.mode && merged.mode !== work.mode;
}

function isEverywhere({base, work, tip, merged}: States): boolean {
  return base !== null && work !== null && tip !== null && merged !== null;
}

function isSame(a: Entry, b: Entry): boolean {
  return a?.mode === b?.mode && a?.blob === b?.blob;
}

type Counts = Readonly<Record<Side, ReadonlyMap<string, number>>>;

/** How often each line is in each tree, over all files given; what is not text is one line. */
function countsOf(files: readonly States[], texts: ReadonlyMap<string, string>): Counts {
  const count = (side: Side) => {
    const counts = new Map<string, number>();
    for (const {[side]: entry} of files) {
      for (const line of linesOf(entry, texts)) counts.set(line, (counts.get(line) ?? 0) + 1);
    }
    return counts;
  };
  return {base: count('base'), work: count('work'), tip: count('tip'), merged: count('merged')};
}

function blobsOf(files: readonly States[]): readonly string[] {
  const entries = files.flatMap(({base, work, tip, merged}) => [base, work, tip, merged]);
  return [...new Set(entries.flatMap(entry => (entry && isRegular(entry) ? [entry.blob] : [])))];
}

function linesOf(entry: Entry, texts: ReadonlyMap<string, string>): readonly string[] {
  if (entry === null) return [];
  const text = isRegular(entry) ? texts.get(entry.blob) : undefined;
  if (text === undefined) return [`\0${entry.mode.slice(0, 3)} ${entry.blob}`];
  return text === '' ? [] : text.replace(/\n$/, '').split('\n');
}

function isRegular({mode}: {readonly mode: string}): boolean {
  return mode.startsWith('100');
}

/**
 * Every line is there as often as before, plus what the change adds or takes away. Less of a difference is right only where both
 * sides made the same one.
 */
function linesAreKept({base, work, tip, merged}: Counts): boolean {
  const lines = new Set([...base.keys(), ...work.keys(), ...tip.keys(), ...merged.keys()]);
  for (const line of lines) {
    const of = (counts: ReadonlyMap<string, number>) => counts.get(line) ?? 0;
    const ours = of(work) - of(base);
    const theirs = of(tip) - of(base);
    const shared = of(tip) + ours - of(merged);
    if (shared === 0) continue;
    const isShared = Math.sign(shared) === Math.sign(ours) && Math.sign(shared) === Math.sign(theirs);
    if (!isShared || Math.abs(shared) > Math.min(Math.abs(ours), Math.abs(theirs))) return false;
  }
  return true;
}

async function diffsOf(
  root: string,
  pairs: readonly (readonly [string, string])[],
): Promise<Result<readonly [Diff, Diff, Diff], Failure>> {
  const input = pairs.map(([from, to]) => `${from} ${to}\n`).join('');
  const done = await git(['diff-tree', '--stdin', '-r', '-z', '--raw', '--no-renames', '--no-abbrev'], {
    cwd: root,
    input,
    maxBytes: 512 * 2 ** 20,
  });
  if (!done.ok) return done;
  const [first = new Map(), second = new Map(), third = new Map()] = parseDiffs(done.value.stdout);
  return ok([first, second, third]);
}

const HEADER = /^[0-9a-f]{40,64} [0-9a-f]{40,64}\n/;
const ENTRY = /^:(\d{6}) (\d{6}) ([0-9a-f]+) ([0-9a-f]+) [A-Z]$/;

/** Each diff begins with its two trees on a line; in it, entry and path are ended by a NUL each. */
function parseDiffs(text: string): Diff[] {
  const diffs: Map<string, {before: Entry; after: Entry}>[] = [];
  const parts = text.split('\0');
  for (let index = 0; index < parts.length; index++) {
    let part = parts[index] ?? '';
    for (let header = HEADER.exec(part); header; header = HEADER.exec(part)) {
      diffs.push(new Map());
      part = part.slice(header[0].length);
    }
    const [, modeBefore = '', modeAfter = '', blobBefore = '', blobAfter = ''] = ENTRY.exec(part) ?? [];
    if (modeBefore === '') continue;
    index++;
    diffs.at(-1)?.set(parts[index] ?? '', {before: entry(modeBefore, blobBefore), after: entry(modeAfter, blobAfter)});
  }
  return diffs;
}

function entry(mode: string, blob: string): Entry {
  return mode === '000000' ? null : {mode, blob};
}

/** The contents of blobs that are text of a reasonable size. */
async function textsOf(root: string, blobs: readonly string[]): Promise<Result<ReadonlyMap<string, string>, Failure>> {
  const texts = new Map<string, string>();
  if (blobs.length === 0) return ok(texts);
  const sizes = await git(['cat-file', '--batch-check=%(objectsize)'], {cwd: root, input: `${blobs.join('\n')}\n`});
  if (!sizes.ok) return sizes;
  const lines = sizes.value.stdout.split('\n').map(Number);
  let total = 0;
  const wanted = blobs.filter((_, index) => {
    const size = lines[index] ?? NaN;
    if (!(size <= MAX_TEXT_BYTES && total + size <= MAX_TOTAL_BYTES)) return false;
    total += size;
    return true;
  });
  if (wanted.length === 0) return ok(texts);
  // What is printed arrives as text, where sizes in bytes are of no use: a mark that no file has in it separates the files.
  const mark = randomBytes(16).toString('hex');
  const read = await git(['cat-file', `--batch=${mark} %(objectname)`], {cwd: root, input: `${wanted.join('\n')}\n`});
  if (!read.ok) return read;
  for (const part of read.value.stdout.split(`${mark} `).slice(1)) {
    const end = part.indexOf('\n');
    const text = part.slice(end + 1, -1);
    if (!text.includes('\0')) texts.set(part.slice(0, end), text);
  }
  return ok(texts);
}
