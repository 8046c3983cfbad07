import {existsSync} from 'node:fs';
import type {Result} from '../../base/result.ts';
import {type Failure, GodelError} from '../../model/failure.ts';
import {hubFolder} from '../server/parts/hub-folder.ts';
import {waitingNotes} from '../server/parts/noted.ts';
import {auditOf, type RecordsWanted, type SessionRecordsWanted, sessionsOf} from '../server/parts/records-wanted.ts';
import {type AuditFact, type AuditRow, isAbout} from '../server/store/audit-log.ts';
import {readAuditLog, readSessionLog} from '../server/store/read-records.ts';
import type {SessionRow} from '../server/store/sessions.ts';
import {askHub, type ControlAnswer, type ControlRequest} from './control.ts';
import {sealOf} from './keepings.ts';
import type {MasterKeySources} from './master-keys.ts';

interface Hub {
  /** Absolute. */
  readonly dbPath: string;
  readonly masterKeys: MasterKeySources | null;
}

/** What was noted and no hub has taken in yet has no number. */
export type ToldRow = AuditFact & {readonly num: AuditRow['num'] | null};

/** Who did what, newest first: asks the hub that runs, or reads its database where none does. Rejects with a `GodelError`. */
export async function hubAudit(hub: Hub, which: RecordsWanted): Promise<readonly ToldRow[]> {
  const wanted = auditOf(which);
  const answered = await ask(hub, {do: 'audit', wanted: which});
  if (answered?.kind === 'audit') return answered.rows;
  const {tenant = null, agent = null, sinceMs = null, limit} = wanted;
  const waiting = waitingNotes(hubFolder(hub.dbPath));
  const {rows, taken} = must(readAuditLog(await sourceOf(hub), wanted));
  // One that a killed hub has taken in may still lie there.
  const noted = [...waiting].flatMap(([name, fact]) => {
    const isWanted =
      !taken.has(name) &&
      (tenant === null || fact.tenant === tenant) &&
      (agent === null || isAbout(fact, agent)) &&
      fact.atMs >= (sinceMs ?? 0);
    return isWanted ? [{...fact, num: null}] : [];
  });
  return [...noted.toReversed(), ...rows].slice(0, limit);
}

/** Who was connected from when to when and who is, newest first; as `hubAudit`. */
export async function hubSessions(hub: Hub, which: SessionRecordsWanted): Promise<readonly SessionRow[]> {
  const {state, ...rest} = which;
  const wanted = sessionsOf(rest);
  const answered = await ask(hub, {do: 'sessions', wanted: which});
  if (answered?.kind === 'sessions') return answered.sessions;
  const sessions = must(readSessionLog(await sourceOf(hub), wanted));
  // Where no hub runs, nobody is connected: who seems to be was so when it was killed.
  if (state === 'active') return [];
  return sessions.map(session => (session.ending === null ? {...session, ending: 'hub-ended'} : session));
}

async function sourceOf({dbPath, masterKeys}: Hub) {
  if (existsSync(dbPath)) return {file: dbPath, seal: await sealOf(dbPath, masterKeys)};
  const hint = 'Name it with --db, or start a hub with `godel hub serve`.';
  throw new GodelError({reason: 'store-unusable', path: dbPath, detail: 'it is not there', hint});
}

async function ask({dbPath}: Hub, request: ControlRequest): Promise<ControlAnswer | null> {
  const answered = await askHub(hubFolder(dbPath).control, request);
  if (answered?.kind === 'failed') throw new GodelError(answered.failure);
  return answered;
}

function must<T>(result: Result<T, Failure>): T {
  if (result.ok) return result.value;
  throw new GodelError(result.failure);
}

export type {SessionRow};
