import {type Fault, isFault} from './fault.ts';

/** What attempts have written down themselves: that they began, and the faults that they were about to play. */
export interface LedgerLine {
  /** The id of the attempt. */
  readonly attempt: number;
  readonly cookie: string;
  readonly what: 'start' | Fault;
  readonly atMs: number;
}

/** Lines are appended whole; one that was cut off by the death of its writer says nothing. */
export function readLedger(text: string): readonly LedgerLine[] {
  return text.split('\n').flatMap(line => {
    const [cookie = '', what = '', ms = ''] = line.split(' ');
    const attempt = Number(/\.(\d+)$/.exec(cookie)?.[1] ?? Number.NaN);
    const atMs = Number(ms);
    if (!Number.isSafeInteger(attempt) || ms === '' || !Number.isFinite(atMs)) return [];
    return what === 'start' || isFault(what) ? [{attempt, cookie, what, atMs}] : [];
  });
}
