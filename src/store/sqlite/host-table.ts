import type {Database} from 'better-sqlite3';
import type {HostId} from '../../model/ids.ts';
import type {HostRecord} from '../../model/record.ts';

const SET = `INSERT INTO hosts (id, machine, pid, start_time, boot_id) VALUES (?, ?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET machine = excluded.machine, pid = excluded.pid, start_time = excluded.start_time,
    boot_id = excluded.boot_id`;
const REMOVE = 'DELETE FROM hosts WHERE id = ?';
const LIST = 'SELECT id, machine, pid, start_time, boot_id FROM hosts ORDER BY id';

interface Row {
  readonly id: string;
  readonly machine: string;
  readonly pid: number;
  readonly start_time: string;
  readonly boot_id: string;
}

/** Hosts that are not known to be gone; one that is gone leaves no row. */
export class HostTable {
  readonly #set;
  readonly #remove;
  readonly #list;

  constructor(db: Database) {
    this.#set = db.prepare<[string, string, number, string, string]>(SET);
    this.#remove = db.prepare<[string]>(REMOVE);
    this.#list = db.prepare<[], Row>(LIST);
  }

  set({id, machineId, process, gone}: HostRecord): void {
    if (gone) this.#remove.run(id);
    else this.#set.run(id, machineId, process.pid, process.startTime, process.bootId);
  }

  list(): readonly HostRecord[] {
    return this.#list.all().map(hostOf);
  }
}

function hostOf({id, machine, pid, start_time, boot_id}: Row): HostRecord {
  // The cast brands what `set` has written.
  return {id: id as HostId, machineId: machine, process: {pid, startTime: start_time, bootId: boot_id}, gone: false};
}
