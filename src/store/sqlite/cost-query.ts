import type {Database} from 'better-sqlite3';
import {type CostRow, type CostRows, type Costs, MAX_COST_ROWS, type Spending} from '../../model/cost-view.ts';
import type {TeamId} from '../../model/ids.ts';

const IS_OVER = 'ended_at_ms IS NOT NULL';
const IS_UNCOUNTED = 'input_tokens IS NULL AND output_tokens IS NULL';

const SUMS = `count(*) AS attempts, count(*) FILTER (WHERE ended_at_ms IS NULL) AS running, sum(usd) AS usd,
  count(*) FILTER (WHERE ${IS_OVER} AND usd IS NULL) AS unpriced,
  count(*) FILTER (WHERE ${IS_OVER} AND ${IS_UNCOUNTED}) AS uncounted,
  coalesce(sum(means ->> '$.cap.usd') FILTER (WHERE ${IS_OVER} AND usd IS NULL), 0) AS unsettledUsd,
  coalesce(sum(means ->> '$.cap.tokens') FILTER (WHERE ${IS_OVER} AND ${IS_UNCOUNTED}), 0) AS unsettledTokens,
  coalesce(sum(means ->> '$.cap.usd') FILTER (WHERE ended_at_ms IS NULL), 0) AS reservedUsd,
  coalesce(sum(means ->> '$.cap.tokens') FILTER (WHERE ended_at_ms IS NULL), 0) AS reservedTokens,
  sum(input_tokens) AS inputTokens, sum(output_tokens) AS outputTokens,
  sum(cache_read_tokens) AS cacheReadTokens, sum(cache_write_tokens) AS cacheWriteTokens`;

const OF_TEAM = 'FROM attempts WHERE attempts.team = @team AND means IS NOT NULL';
const TOTALS = `SELECT ${SUMS} ${OF_TEAM}`;

const TASK_ID = '(SELECT id FROM tasks WHERE tasks.team = attempts.team AND tasks.seq = attempts.task)';
const MODEL = "(means ->> '$.runtime') || coalesce('/' || (means ->> '$.model'), '')";

/** Groups by a column or expression, named by another one. */
function grouped(by: string, name: string): string {
  return `SELECT ${name} AS name, ${SUMS} ${OF_TEAM} GROUP BY ${by}
    ORDER BY sum(usd) DESC NULLS LAST, attempts DESC, name LIMIT ${MAX_COST_ROWS}`;
}

function groups(by: string): string {
  return `SELECT count(*) FROM (SELECT 1 ${OF_TEAM} GROUP BY ${by})`;
}

type OfTeam = [{readonly team: number}];

/** What the attempts of a team have cost. */
export class CostQuery {
  readonly #totals;
  readonly #byTask;
  readonly #byAgent;
  readonly #byModel;

  constructor(db: Database) {
    this.#totals = db.prepare<OfTeam, Spending>(TOTALS);
    this.#byTask = preparedRows(db, 'task', TASK_ID);
    this.#byAgent = preparedRows(db, 'agent', 'agent');
    this.#byModel = preparedRows(db, MODEL, MODEL);
  }

  costs(team: TeamId): Costs {
    const totals = this.#totals.get({team});
    if (totals === undefined) throw new Error('Internal error: sums without a row');
    return {totals, byTask: this.#byTask(team), byAgent: this.#byAgent(team), byModel: this.#byModel(team)};
  }
}

function preparedRows(db: Database, by: string, name: string): (team: TeamId) => CostRows {
  const rows = db.prepare<OfTeam, CostRow>(grouped(by, name));
  const count = db.prepare<OfTeam, number>(groups(by)).pluck();
  return team => {
    const found = rows.all({team});
    return {rows: found, omitted: found.length < MAX_COST_ROWS ? 0 : (count.get({team}) ?? 0) - found.length};
  };
}
