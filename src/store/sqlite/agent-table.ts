import type {Database} from 'better-sqlite3';
import type {AgentId, TeamId} from '../../model/ids.ts';
import type {AgentRow, StateRecord} from '../../model/record.ts';

const SET = `INSERT INTO agents (team, id, group_index, standing) VALUES (?, ?, ?, ?)
  ON CONFLICT DO UPDATE SET standing = excluded.standing`;
const LIST = 'SELECT id, group_index, standing FROM agents WHERE team = ? ORDER BY id';
const REMOVE = 'DELETE FROM agents WHERE team = ?';

interface Row {
  readonly id: string;
  readonly group_index: number;
  readonly standing: string;
}

/** Agents of which something was recorded; those without a row are as their team was spawned. */
export class AgentTable {
  readonly #set;
  readonly #list;
  readonly #remove;

  constructor(db: Database) {
    this.#set = db.prepare<[number, string, number, string]>(SET);
    this.#list = db.prepare<[number], Row>(LIST);
    this.#remove = db.prepare<[number]>(REMOVE);
  }

  set({teamId, agents}: Extract<StateRecord, {kind: 'agents'}>): void {
    for (const {id, group, standing} of agents) this.#set.run(teamId, id, group, standing);
  }

  of(team: TeamId): readonly AgentRow[] {
    // The casts brand and name what `set` has written.
    return this.#list.all(team).map(({id, group_index: group, standing}) => {
      return {id: id as AgentId, group, standing: standing as AgentRow['standing']};
    });
  }

  remove(team: TeamId): void {
    this.#remove.run(team);
  }
}
