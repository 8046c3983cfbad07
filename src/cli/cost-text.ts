import {plural, usdText} from '../base/amount.ts';
import {oneLine} from '../base/one-line.ts';
import type {BudgetLeft, CostRows, CostView, Spending} from '../model/cost-view.ts';
import type {Print} from './print.ts';
import {tableLines} from './summary-text.ts';

export type CostBy = 'task' | 'agent' | 'model';

/** Rows in text; the JSON has more. */
const ROWS_LISTED = 50;
const UNKNOWN = 'unknown';

/** What a team has cost: the sum, what is unknown of it, what is left of the budget, and a table. */
export function costLines(
  view: CostView,
  {by, print}: {readonly by: CostBy; readonly print: Print},
): readonly string[] {
  const {totals, budget, team} = view;
  if (totals.attempts === 0) return [`Team ${team} has run no prompts: its commands cost nothing.`];
  return [
    `${print.style('bold', team)}  ${costText(totals)} for ${plural(totals.attempts, 'attempt')}${totals.running > 0 ? `, ${totals.running} of them running` : ''}`,
    `tokens    ${tokensText(totals)}`,
    ...unknownLines(totals),
    ...budgetLines(budget),
    '',
    ...tableOf(by, rowsOf(view, by), print),
  ];
}

function costText({usd, unpriced}: Spending): string {
  if (usd === null) return unpriced > 0 ? 'cost unknown' : 'no cost yet';
  return unpriced > 0 ? `${usdText(usd)} and what is unknown` : usdText(usd);
}

function tokensText({inputTokens, outputTokens, cacheReadTokens, cacheWriteTokens}: Spending): string {
  const parts = [
    `${countText(inputTokens)} in`,
    `${countText(outputTokens)} out`,
    `${countText(cacheReadTokens)} read from caches`,
    `${countText(cacheWriteTokens)} written to them`,
  ];
  return parts.join(', ');
}

function unknownLines({unpriced, unsettledUsd, uncounted, reservedUsd}: Spending): string[] {
  const held = unsettledUsd > 0 ? `; ${usdText(unsettledUsd)} was reserved for that and counts as used` : '';
  return [
    ...(unpriced > 0 ? [`unknown   what ${plural(unpriced, 'attempt')} cost${held}`] : []),
    ...(uncounted > 0 ? [`unknown   how many tokens ${plural(uncounted, 'attempt')} used`] : []),
    ...(reservedUsd > 0 ? [`reserved  ${usdText(reservedUsd)} for what runs`] : []),
  ];
}

function budgetLines({usd, tokens, hour}: CostView['budget']): string[] {
  const line = ({limit, left}: BudgetLeft, format: (amount: number) => string) =>
    `budget    ${format(left)} of ${format(limit)} left`;
  return [
    ...(usd ? [line(usd, usdText)] : []),
    ...(hour ? [`${line(hour, usdText)} within the hour`] : []),
    ...(tokens ? [line(tokens, n => `${countText(n)} tokens`)] : []),
  ];
}

function rowsOf({byTask, byAgent, byModel}: CostView, by: CostBy): CostRows {
  return {task: byTask, agent: byAgent, model: byModel}[by];
}

function tableOf(by: CostBy, {rows, omitted}: CostRows, print: Print): string[] {
  const cells = rows
    .slice(0, ROWS_LISTED)
    .map(row => [
      row.usd === null ? UNKNOWN : usdText(row.usd),
      row.unpriced > 0 ? String(row.unpriced) : '-',
      String(row.attempts),
      countText(row.inputTokens),
      countText(row.outputTokens),
      countText(row.cacheReadTokens),
      oneLine(row.name, 100),
    ]);
  const more = rows.length - cells.length + omitted;
  const head = ['USD', 'UNKNOWN', 'ATTEMPTS', 'IN', 'OUT', 'CACHED', by.toUpperCase()];
  const table = tableLines(head, cells, print);
  return more > 0 ? [...table, `… and ${more} more that cost less`] : table;
}

function countText(tokens: number | null): string {
  if (tokens === null) return UNKNOWN;
  return String(tokens).replaceAll(/\B(?=(\d{3})+$)/g, ',');
}
