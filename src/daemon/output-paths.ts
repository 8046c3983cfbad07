import {createHash} from 'node:crypto';
import type {TaskSeq} from '../model/ids.ts';
import type {OutputKind} from '../model/task.ts';

const MAX_SLUG = 80;

/** A task's id as a file name: itself where it is made of letters, digits, `_` and `-`; else made so, plus a hash. */
export function taskSlug(id: string): string {
  const slug = slugOf(id);
  if (slug === id && !id.includes('.')) return slug;
  return `${slug}.${createHash('sha256').update(id).digest('hex').slice(0, 8)}`;
}

/** The output of a task without `foreach`. No two tasks of a plan share it; nor does a `foreach` task's folder. */
export function outputFile(id: string, kind: OutputKind): string {
  return `outputs/${taskSlug(id)}.${extension(kind)}`;
}

/** Where the outputs of all instances of a `foreach` task are. */
export function outputFolder(id: string): string {
  return `outputs/${taskSlug(id)}`;
}

export interface Instance {
  /** The id of its `foreach` task. */
  readonly of: string;
  /** Its own id, for example `check[node_modules/ws]`. */
  readonly id: string;
  readonly seq: TaskSeq;
}

/** The output of one instance: readable by its key, unique by its number. */
export function instanceOutputFile({of, id, seq}: Instance, kind: OutputKind): string {
  const key = id.startsWith(`${of}[`) ? id.slice(of.length + 1, -1) : id;
  return `${outputFolder(of)}/${slugOf(key)}-${seq}.${extension(kind)}`;
}

export function extension(kind: OutputKind): 'json' | 'txt' {
  return kind === 'json' ? 'json' : 'txt';
}

/** Names for the outputs of the needs in an input folder: their ids, made file names and kept apart. */
export function inputNames(ids: readonly string[]): readonly string[] {
  const users = new Map<string, number>();
  for (const id of ids) users.set(slugOf(id), (users.get(slugOf(id)) ?? 0) + 1);
  return ids.map(id => {
    const slug = slugOf(id);
    return users.get(slug) === 1 ? slug : taskSlug(id);
  });
}

/** Never a hidden file: `"$GODEL_INPUTS"/check/*` in a script has to find the outputs of all instances. */
function slugOf(text: string): string {
  return text
    .replaceAll(/[^A-Za-z0-9._-]/g, '_')
    .replace(/^\./, '_')
    .slice(0, MAX_SLUG);
}
