import type {Database} from 'better-sqlite3';
import type {TeamSettings} from '../../model/autoscale.ts';
import type {Budget} from '../../model/budget.ts';
import type {StopReason} from '../../model/failure.ts';
import type {TeamId} from '../../model/ids.ts';
import type {Plan} from '../../model/plan.ts';
import type {StateRecord, StoredTeam, StoredTimer} from '../../model/record.ts';
import type {TeamRow} from '../../model/row.ts';
import {type TeamSpec, type TeamState, withPlan} from '../../model/team.ts';
import type {TeamView} from '../../model/team-view.ts';
import type {TeamRepository} from '../../model/work.ts';
import type {Meta} from './meta.ts';

const CREATE = `INSERT INTO teams (id, state, started_at_ms, started_mono_ms, started_boot, has_plan, spec)
  VALUES (?, ?, ?, ?, ?, ?, ?)`;
const CREATE_PLAN = 'INSERT INTO team_plans (team, plan, env) VALUES (?, ?, ?)';
const SET_STATE =
  'UPDATE teams SET state = ?, ending = ?, timer = coalesce(?, timer) WHERE id = ? AND ended_at_ms IS NULL';
const SET_SETTINGS = 'UPDATE teams SET settings = ?, budget = coalesce(?, budget) WHERE id = ? AND ended_at_ms IS NULL';
const FINISH = 'UPDATE teams SET state = ?, ended_at_ms = ?, view = ? WHERE id = ? AND ended_at_ms IS NULL';
const LIST = 'SELECT id, state, started_at_ms, ended_at_ms, has_plan, spec, view FROM teams ORDER BY id';
const REVIVE = `UPDATE teams
  SET state = ?, ending = NULL, ended_at_ms = NULL, view = NULL, started_at_ms = ?, started_mono_ms = ?, started_boot = ?,
    timer = ?
  WHERE id = ? AND ended_at_ms IS NOT NULL`;
const ADD_PLAN = `INSERT INTO added_plans (team, number, plan, secret_names, repository)
  VALUES (@team, (SELECT count(*) FROM added_plans WHERE team = @team), @plan, @secretNames, @repository)`;
const ADDED_PLANS = 'SELECT plan, secret_names, repository FROM added_plans WHERE team = ? ORDER BY number';
const WHOLE = `SELECT id, state, ending, started_at_ms, started_mono_ms, started_boot, spec, plan, env, has_plan, settings, budget,
    timer
  FROM teams JOIN team_plans ON team = id`;
const LIST_ACTIVE = `${WHOLE} WHERE ended_at_ms IS NULL ORDER BY id`;
const ONE = `${WHOLE} WHERE id = ?`;
const LIST_OVER = 'SELECT view FROM teams WHERE ended_at_ms IS NOT NULL ORDER BY id';
const LAST = 'SELECT max(id) FROM teams';
const REMOVE = [
  'DELETE FROM teams WHERE id = ?',
  'DELETE FROM team_plans WHERE team = ?',
  'DELETE FROM added_plans WHERE team = ?',
];

interface AddedPlanParameters {
  readonly team: number;
  readonly plan: string;
  readonly secretNames: string;
  readonly repository: string | null;
}

interface AddedPlanRow {
  readonly plan: string;
  readonly secret_names: string;
  readonly repository: string | null;
}

interface Row {
  readonly id: number;
  readonly state: string;
  readonly started_at_ms: number;
  readonly ended_at_ms: number | null;
  readonly has_plan: number;
  readonly spec: string;
  readonly view: string | null;
}

interface WholeRow {
  readonly id: number;
  readonly has_plan: number;
  readonly state: string;
  readonly ending: string | null;
  readonly started_at_ms: number;
  readonly started_mono_ms: number;
  readonly started_boot: string;
  readonly spec: string;
  readonly plan: string;
  readonly env: string;
  readonly settings: string | null;
  readonly budget: string | null;
  readonly timer: string | null;
}

/** A team without what other tables have of it. */
export type WholeTeam = Omit<StoredTeam, 'agents' | 'tasks' | 'openAttempts' | 'past' | 'totals'>;

/** Teams. The plan and the environment, which may be large, stand apart from what a list of teams shows. */
export class TeamTable {
  readonly #meta: Meta;
  readonly #create;
  readonly #createPlan;
  readonly #setState;
  readonly #setSettings;
  readonly #finish;
  readonly #revive;
  readonly #addPlan;
  readonly #addedPlans;
  readonly #list;
  readonly #listActive;
  readonly #one;
  readonly #listOver;
  readonly #last;
  readonly #remove;

  constructor(db: Database, meta: Meta) {
    this.#meta = meta;
    this.#create = db.prepare<[number, string, number, number, string, number, string]>(CREATE);
    this.#createPlan = db.prepare<[number, string, string]>(CREATE_PLAN);
    this.#setState = db.prepare<[string, string | null, string | null, number]>(SET_STATE);
    this.#setSettings = db.prepare<[string, string | null, number]>(SET_SETTINGS);
    this.#finish = db.prepare<[string, number, string, number]>(FINISH);
    this.#list = db.prepare<[], Row>(LIST);
    this.#listActive = db.prepare<[], WholeRow>(LIST_ACTIVE);
    this.#one = db.prepare<[number], WholeRow>(ONE);
    this.#revive = db.prepare<[string, number, number, string, string, number]>(REVIVE);
    this.#addPlan = db.prepare<[AddedPlanParameters]>(ADD_PLAN);
    this.#addedPlans = db.prepare<[number], AddedPlanRow>(ADDED_PLANS);
    this.#listOver = db.prepare<[], string>(LIST_OVER).pluck();
    this.#last = db.prepare<[], number | null>(LAST).pluck();
    this.#remove = REMOVE.map(sql => db.prepare<[number]>(sql));
  }

  create({id, spec, at}: Extract<StateRecord, {kind: 'team-created'}>): void {
    if (id < 1) throw new Error(`Internal error: team ids begin at 1, got ${id}`);
    const {plan, env, ...rest} = spec;
    const {wallMs, monoMs, bootId} = at;
    const state = plan === null ? 'idle' : 'running';
    this.#create.run(id, state, wallMs, monoMs, bootId, plan === null ? 0 : 1, JSON.stringify(rest));
    this.#createPlan.run(id, JSON.stringify(plan), JSON.stringify(env));
  }

  setState({id, state, ending, timer}: Extract<StateRecord, {kind: 'team-state'}>): void {
    const {changes} = this.#setState.run(state, ending, timer ? JSON.stringify(timer) : null, id);
    if (changes === 0) throw new Error(`Internal error: team ${id} is over or unknown and cannot be ${state}`);
  }

  setSettings({teamId: id, settings, budget}: Extract<StateRecord, {kind: 'team-settings'}>): void {
    const {changes} = this.#setSettings.run(JSON.stringify(settings), budget ? JSON.stringify(budget) : null, id);
    if (changes === 0) throw new Error(`Internal error: team ${id} is over or unknown and has no settings`);
  }

  finish({id, state, atMs, view}: Extract<StateRecord, {kind: 'team-finished'}>): void {
    const {changes} = this.#finish.run(state, atMs, JSON.stringify(view), id);
    if (changes === 0) throw new Error(`Internal error: team ${id} is over or unknown and cannot finish`);
  }

  revive({id, state, startedAt, timer}: Extract<StateRecord, {kind: 'team-revived'}>): void {
    const {wallMs, monoMs, bootId} = startedAt;
    const {changes} = this.#revive.run(state, wallMs, monoMs, bootId, JSON.stringify(timer), id);
    if (changes === 0) throw new Error(`Internal error: team ${id} is not over and cannot be revived`);
  }

  addPlan({teamId: team, plan, secretNames, repository}: Extract<StateRecord, {kind: 'plan-added'}>): void {
    this.#addPlan.run({
      team,
      plan: JSON.stringify(plan),
      secretNames: JSON.stringify(secretNames),
      repository: repository ? JSON.stringify(repository) : null,
    });
  }

  list(): readonly TeamRow[] {
    return this.#list.all().map(teamOf);
  }

  active(): readonly WholeTeam[] {
    return this.#listActive.all().map(row => this.#wholeOf(row));
  }

  one(id: TeamId): WholeTeam | null {
    const row = this.#one.get(id);
    return row ? this.#wholeOf(row) : null;
  }

  #wholeOf(row: WholeRow): WholeTeam {
    const team = wholeOf(row);
    let {spec} = team;
    // As `addPlan` has written them.
    for (const {plan, secret_names: names, repository} of this.#addedPlans.all(row.id)) {
      spec = withPlan(spec, {
        plan: JSON.parse(plan) as Plan,
        secretNames: JSON.parse(names) as string[],
        ...(repository === null ? {} : {repository: JSON.parse(repository) as TeamRepository}),
      });
    }
    return {...team, spec};
  }

  over(): readonly TeamView[] {
    return this.#listOver.all().map(view => JSON.parse(view) as TeamView); // as `finish` has written it
  }

  /** Greater than the id of any team there ever was. */
  next(): number {
    return Math.max(this.#meta.mark('last_team'), this.#last.get() ?? 0) + 1;
  }

  remove(id: TeamId): void {
    this.#meta.raise('last_team', id);
    for (const statement of this.#remove) statement.run(id);
  }
}

/** The casts here and below brand and name what `create`, `setState` and `finish` have written. */
function teamOf(row: Row): TeamRow {
  const spec = JSON.parse(row.spec) as Omit<TeamSpec, 'plan' | 'env'>;
  return {
    id: row.id as TeamId,
    spec: {...spec, hasPlan: row.has_plan === 1},
    state: row.state as TeamState,
    startedAtMs: row.started_at_ms,
    endedAtMs: row.ended_at_ms,
    view: row.view === null ? null : (JSON.parse(row.view) as TeamView),
  };
}

function wholeOf(row: WholeRow): WholeTeam {
  const spec = JSON.parse(row.spec) as Omit<TeamSpec, 'plan' | 'env'>;
  const plan = JSON.parse(row.plan) as Plan | null;
  const env = JSON.parse(row.env) as Record<string, string>;
  return {
    id: row.id as TeamId,
    spec: {...spec, plan, env},
    isStandby: row.has_plan === 0,
    state: row.state as TeamState,
    ending: row.ending as StopReason | null,
    startedAt: {wallMs: row.started_at_ms, monoMs: row.started_mono_ms, bootId: row.started_boot},
    ...(row.settings === null ? {} : {settings: JSON.parse(row.settings) as TeamSettings}),
    ...(row.budget === null ? {} : {budget: JSON.parse(row.budget) as Budget}),
    ...(row.timer === null ? {} : {timer: JSON.parse(row.timer) as StoredTimer}),
  };
}
