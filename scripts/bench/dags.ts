import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';

export interface Dag {
  readonly name: string;
  /** `needs`: indexes of tasks. */
  readonly tasks: readonly {readonly kind: string; readonly ms: number; readonly needs: readonly number[]}[];
}

/** Instances in a folder, in compact form: `{name, tasks: [[id, type, runtimeSeconds, parentIndexes], …]}`, a file each. */
export function readDags(folder: string): readonly Dag[] {
  return readdirSync(folder)
    .filter(file => file.endsWith('.json'))
    .sort()
    .flatMap(file => dagOf(JSON.parse(readFileSync(join(folder, file), 'utf8'))));
}

function dagOf(document: {
  readonly name?: string;
  readonly tasks?: readonly (readonly [string, string, number, readonly number[]])[];
}): readonly Dag[] {
  const {name, tasks} = document;
  if (name === undefined || !tasks) return [];
  return [{name, tasks: tasks.map(([, kind, seconds, needs]) => ({kind, ms: seconds * 1000, needs}))}];
}
