import {readFileSync} from 'node:fs';
import {type JsonObject, objectOf} from './json-lines.ts';

/** The JSON object in a settings file of a CLI; null when there is no such file or it holds something else. */
export function readJsonFile(file: string): JsonObject | null {
  try {
    return objectOf(readFileSync(file, 'utf8').trim());
  } catch {
    // Missing or unreadable: both mean that it tells us nothing.
    return null;
  }
}
