import {relative, resolve} from 'node:path';
import {realPath} from './real-path.ts';

/** A path as it is seen from a folder that it lies in; otherwise as it was given. CLIs name files with links followed. */
export function pathIn(folder: string, path: string): string {
  const full = resolve(folder, path);
  const inside = [folder, realPath(folder)].map(top => relative(top, full)).find(way => !/^\.\.(?:\/|$)/.test(way));
  return inside === undefined || inside === '' ? path : inside;
}
