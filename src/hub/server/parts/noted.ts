import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {OperatorNotes} from '../../security/operator-notes.ts';
import {FolderShelf} from '../../security/shelf.ts';
import type {AuditFact, AuditLog} from '../store/audit-log.ts';
import {OPERATOR} from '../store/sqlite-hub-store.ts';
import type {HubFolder} from './hub-folder.ts';

/** Notes taken in at once. */
const BATCH = 1000;

/** Where notes wait: with the keys of tokens, with the authority, and those of the database as a whole. */
function foldersOf({path, tokens, authority}: HubFolder): readonly string[] {
  return [path, tokens, authority].map(folder => join(folder, NOTES));
}

export const NOTES = 'notes';

/** What operators have noted, by name, oldest first; the log may have taken in some of it, see `takenNotes`. */
export function waitingNotes(folder: HubFolder): ReadonlyMap<string, AuditFact> {
  const noted = foldersOf(folder).flatMap(each => [...listed(each)]);
  return new Map(noted.toSorted(([, a], [, b]) => a.atMs - b.atMs));
}

/** Takes into the audit log what operators have noted; `commit` makes it durable, and says whether it is. */
export function takeNotes(folder: HubFolder, audit: Pick<AuditLog, 'take'>, commit: () => boolean): void {
  for (const each of foldersOf(folder)) {
    const facts = listed(each);
    if (facts.size === 0) continue;
    audit.take(facts);
    if (!commit()) return;
    new OperatorNotes(new FolderShelf(each)).remove(facts.keys());
  }
}

function listed(folder: string): ReadonlyMap<string, AuditFact> {
  if (!existsSync(folder)) return new Map();
  const notes = new OperatorNotes(new FolderShelf(folder)).list(BATCH);
  return new Map([...notes].map(([name, note]) => [name, {...note, who: OPERATOR}]));
}
