import {z} from 'zod';
import {MEMORY_MODES} from '../model/memory.ts';
import type {TaskStateName} from '../model/task.ts';
import {TEAM_NAME, TEAM_NAME_RULE} from '../model/team.ts';
import {
  type ExplainQuery,
  type LogQuery,
  MAX_LOG_BYTES,
  MAX_PAGE,
  type OutputQuery,
  type SpawnRequest,
  type TaskListQuery,
} from './contract.ts';
import {hubShape} from './hub-shape.ts';
import {parser} from './parser.ts';
import {
  agentOrder,
  autoscale,
  budget,
  env,
  onBudget,
  pauseRequest,
  resumeRequest,
  retryRequest,
  runRequest,
  scaleRequest,
  secretNames,
  strategy,
} from './team-schema.ts';

const name = z.string().regex(TEAM_NAME, `expected ${TEAM_NAME_RULE}`);
const path = z.string().min(1).max(4096);
const shortText = z.string().min(1).max(200);
const agentGroup = z.object({
  name: shortText,
  count: z.number().int().min(1).max(100_000),
  skills: z.array(shortText).max(100),
  runtime: shortText,
  model: shortText.nullable(),
  costPerHour: z.number().nonnegative().max(1e9).nullable(),
  speed: z.number().positive().max(1e6),
  slots: z.number().int().min(1).max(1000),
  limits: z
    .object({
      memoryBytes: z.number().positive().exactOptional(),
      cpus: z.number().positive().max(1024).exactOptional(),
      nice: z.number().int().min(1).max(19).exactOptional(),
      outputBytes: z.number().positive().exactOptional(),
      diskBytes: z.number().positive().exactOptional(),
      tokens: z.number().int().min(1).exactOptional(),
    })
    .exactOptional(),
  timeoutMs: z.number().positive().max(1e12).exactOptional(),
});

/** The number of agents is checked against the settings where they are known; here only that it is a number. */
const spawnRequest: z.ZodType<SpawnRequest> = z.object({
  name: name.exactOptional(),
  count: z.number(),
  plan: z.unknown().exactOptional(),
  cwd: path.regex(/^\//, 'expected an absolute path'),
  umask: z.number().int().min(0).max(0o777),
  env,
  failFast: z.boolean().exactOptional(),
  maxFailures: z.number().int().min(1).max(1_000_000_000).exactOptional(),
  timeoutMs: z.number().min(1).max(1e12).exactOptional(),
  agents: z.array(agentGroup).min(1).max(100).exactOptional(),
  budget: budget.exactOptional(),
  autoscale: autoscale.exactOptional(),
  strategy: strategy.exactOptional(),
  onBudget: onBudget.exactOptional(),
  memory: z.enum(MEMORY_MODES).exactOptional(),
  hub: z.strictObject(hubShape).exactOptional(),
  allow: z.array(z.string().min(1).max(1000)).max(100).exactOptional(),
  secretNames: secretNames.exactOptional(),
  traceparent: z.string().max(200).exactOptional(),
  key: z.string().min(1).max(100).exactOptional(),
});

const taskStates = [
  'waiting',
  'ready',
  'backing-off',
  'running',
  'verifying',
  'reviewing',
  'merging',
  'expanded',
  'succeeded',
  'failed',
  'skipped',
  'cancelled',
] as const satisfies readonly TaskStateName[];

const count = (max: number) =>
  z
    .string()
    .regex(/^\d{1,15}$/, 'expected a whole number')
    .transform(Number)
    .pipe(z.number().int().max(max))
    .exactOptional();
const anyNumber = count(Number.MAX_SAFE_INTEGER);

const taskListQuery = z
  .object({
    state: z
      .string()
      .transform(text => text.split(','))
      .pipe(z.array(z.enum(taskStates)))
      .exactOptional(),
    id: z.string().max(2000).exactOptional(),
    after: anyNumber,
    limit: count(MAX_PAGE),
  })
  .transform(({state, ...rest}): TaskListQuery => ({...rest, ...(state === undefined ? {} : {states: state})}));

const logQuery: z.ZodType<LogQuery> = z.object({
  task: z.string().min(1).max(2000),
  attempt: anyNumber,
  offset: anyNumber,
  length: count(MAX_LOG_BYTES),
});

const outputQuery: z.ZodType<OutputQuery> = z.object({
  task: z.string().min(1).max(2000),
  offset: anyNumber,
  length: count(MAX_LOG_BYTES),
});

const explainQuery: z.ZodType<ExplainQuery> = z
  .object({
    task: z.string().min(1).max(2000).exactOptional(),
    agent: z.string().min(1).max(2000).exactOptional(),
  })
  .refine(({task, agent}) => task === undefined || agent === undefined, {
    message: '`task` and `agent` exclude each other',
  });

export const parseSpawnRequest = parser(spawnRequest);
export const parseStopRequest = parser(z.object({force: z.boolean().default(false)}));
export const parseKillRequest = parser(z.object({by: z.literal('user').default('user')}));
export const parseScaleRequest = parser(scaleRequest);
export const parseRunRequest = parser(runRequest);
export const parseRetryRequest = parser(retryRequest);
export const parsePauseRequest = parser(pauseRequest);
export const parseResumeRequest = parser(resumeRequest);
export const parseAgentOrder = parser(agentOrder);
export const parseExplainQuery = parser(explainQuery);
export const parseTaskListQuery = parser(taskListQuery);
export const parseAttemptsQuery = parser(z.object({id: z.string().min(1).max(2000)}));
export const parseLogQuery = parser(logQuery);
export const parseOutputQuery = parser(outputQuery);
export const parsePageQuery = parser(z.object({after: anyNumber, limit: count(MAX_PAGE)}));
export const parseFeedQuery = parser(
  z.object({team: z.string().min(1).max(200), events: z.literal('1').exactOptional(), after: anyNumber}),
);
