import {oneLine} from '../base/one-line.ts';
import type {SessionRow, ToldRow} from '../hub/process/records.ts';
import {timeText} from './hub-options.ts';

const MAX_DETAIL = 160;

export const AUDIT_HEAD = ['time', 'tenant', 'who', 'what', 'detail'];
export const SESSIONS_HEAD = ['since', 'until', 'tenant', 'agent', 'role', 'session'];

export function auditCells(rows: readonly ToldRow[]): readonly (readonly string[])[] {
  return rows.map(({atMs, tenant, who, what, detail}) => {
    return [timeText(atMs), tenant ?? '-', who, what, detailText(detail)].map(cell => oneLine(cell));
  });
}

export function sessionCells(rows: readonly SessionRow[]): readonly (readonly string[])[] {
  return rows.map(({startedAtMs, endedAtMs, ending, tenant, agent, role, session}) => {
    const end = endedAtMs === null ? 'the hub ended' : `${timeText(endedAtMs)} (${ending})`;
    return [timeText(startedAtMs), ending === null ? 'now' : end, tenant, agent, role, session ?? '-'].map(cell =>
      oneLine(cell),
    );
  });
}

/** `agentId pi-07, role worker`. */
function detailText(detail: ToldRow['detail']): string {
  if (typeof detail !== 'object' || detail === null) return String(detail);
  const said = Object.entries(detail).flatMap(([name, value]) => {
    if (value === null || (typeof value === 'object' && Object.keys(value).length === 0)) return [];
    const isTime = name.endsWith('Ms') && typeof value === 'number' && value > YEAR_2000_MS;
    const text = isTime ? timeText(value) : typeof value === 'object' ? JSON.stringify(value) : String(value);
    return [`${isTime ? name.slice(0, -2) : name} ${text}`];
  });
  const text = said.join(', ');
  return text.length > MAX_DETAIL ? `${text.slice(0, MAX_DETAIL)}…` : text;
}

const YEAR_2000_MS = 946_684_800_000;
