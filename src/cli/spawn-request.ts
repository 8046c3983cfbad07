import {randomBytes} from 'node:crypto';
import path from 'node:path';
import type {SpawnRequest} from '../api/contract.ts';
import type {Budget} from '../model/budget.ts';
import type {Cli} from './cli.ts';
import {type HubFlags, hubRequestOf} from './hub-request.ts';
import type {PlanSource} from './plan-source.ts';
import {scalingOfSpawn, type SpawnScaleOptions} from './scale-options.ts';
import type {AgentOptions, AskedAgents} from './team-agents.ts';

/** What `godel team spawn` is asked for. */
export interface SpawnOptions extends AgentOptions, SpawnScaleOptions, BudgetOptions, HubFlags {
  readonly task?: string;
  readonly taskFile?: string;
  readonly parallelism?: number;
  readonly verify?: string;
  readonly dryRun?: boolean;
  readonly approve?: boolean;
  readonly input?: Readonly<Record<string, string>>;
  readonly allow?: readonly string[];
  readonly plan?: string;
  readonly each?: string;
  readonly name?: string;
  readonly detach?: boolean;
  readonly timeout?: number;
  readonly failFast?: boolean;
  readonly maxFailures?: number;
  /** False with `--no-memory`. */
  readonly memory?: boolean;
}

/** The request for a team, as the daemon wants it. */
export function requestOf(
  cli: Cli,
  options: Omit<SpawnOptions, 'count'> & AskedAgents,
  plan: PlanSource | null,
): SpawnRequest {
  const {count, agents, name, failFast, maxFailures, timeout, allow} = options;
  const hub = hubRequestOf(cli, options);
  const budget = budgetOf(options);
  return {
    count,
    cwd: cli.cwd,
    umask: currentUmask(),
    env: taskEnvironment(cli, options, plan),
    ...(plan === null || plan.secretNames.length === 0 ? {} : {secretNames: plan.secretNames}),
    traceparent: `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`,
    ...(plan === null ? {} : {plan: plan.document}),
    ...(name === undefined ? {} : {name}),
    ...(failFast === undefined ? {} : {failFast}),
    ...(maxFailures === undefined ? {} : {maxFailures}),
    ...(timeout === undefined ? {} : {timeoutMs: timeout}),
    ...(agents === undefined ? {} : {agents}),
    ...(budget ? {budget} : {}),
    ...(allow === undefined ? {} : {allow}),
    ...(options.memory === false ? {memory: 'off' as const} : {}),
    ...(hub === null ? {} : {hub}),
    ...scalingOfSpawn(options),
  };
}

export interface BudgetOptions {
  readonly budget?: number;
  readonly budgetTokens?: number;
  readonly budgetPerHour?: number;
}

/** The budget that was asked for; null: none. */
export function budgetOf({budget, budgetTokens, budgetPerHour}: BudgetOptions): Budget | null {
  if (budget === undefined && budgetTokens === undefined && budgetPerHour === undefined) return null;
  return {
    usd: budget ?? null,
    tokens: budgetTokens ?? null,
    ...(budgetPerHour === undefined ? {} : {perHour: budgetPerHour}),
  };
}

/** What the plan's env files say, the caller's own over it, and the folder of the plan file, for what lies beside it. */
export function taskEnvironment(
  {env, cwd}: Cli,
  {plan}: Pick<SpawnOptions, 'plan'>,
  source: PlanSource | null,
): Readonly<Record<string, string>> {
  const folder = plan === undefined ? '' : path.dirname(path.resolve(cwd, plan));
  return {...source?.env, ...env, GODEL_PLAN_DIR: folder};
}

/** Node can only say the umask while setting one. */
function currentUmask(): number {
  const umask = process.umask(0o077);
  process.umask(umask);
  return umask;
}
