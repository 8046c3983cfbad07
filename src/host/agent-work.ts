import {mkdir} from 'node:fs/promises';
import {join} from 'node:path';
import {type Result, fail} from '../base/result.ts';
import {NO_AGENT_SETTINGS} from '../model/agent-settings.ts';
import type {Failure} from '../model/failure.ts';
import {agentRuntime, runtimeNames} from '../runtimes/registry.ts';
import type {AttemptOrder, PromptWork, Report, TeamOpening} from '../wire/host-protocol.ts';
import {AgentStep} from './agent-step.ts';
import {grantedSecrets} from './attempt-environment.ts';
import type {StepMeans} from './script-step.ts';

export interface AgentWorkOptions extends StepMeans {
  readonly order: AttemptOrder;
  readonly work: PromptWork;
  readonly team: TeamOpening;
  readonly cwd: string;
  /** Root of its worktree. */
  readonly folder: string;
  /** The environment with the secrets of these names. */
  readonly envWith: (secrets: readonly string[]) => Record<string, string>;
  readonly killGraceMs: number;
  readonly report: (report: Report) => void;
}

/** Where an agent's CLI may keep settings while it works; removed afterwards. */
export function scratchFolderOf(order: AttemptOrder, team: TeamOpening): string {
  return join(team.folder, 'scratch', String(order.attempt));
}

/** Makes everything ready for an agent to do a prompt. */
export async function prepareAgent(options: AgentWorkOptions): Promise<Result<AgentStep, Failure>> {
  const {order, work, team, folder, envWith, report} = options;
  const settings = team.agentSettings ?? NO_AGENT_SETTINGS;
  const runtime = await agentRuntime(work.runtime, settings);
  if (runtime === null) {
    const detail = `there is no runtime of this name`;
    const hint = `known are ${runtimeNames(settings).join(', ')}`.slice(0, 2000);
    return fail({reason: 'runtime-missing', runtime: work.runtime, detail, hint});
  }
  const scratch = scratchFolderOf(order, team);
  await mkdir(scratch, {recursive: true, mode: 0o700});
  const step = new AgentStep({
    ...options,
    attempt: order.attempt,
    runtime,
    env: envWith([...runtime.secrets, ...grantedSecrets(team)]),
    resume: sessionFor(work, folder),
    allow: team.allow ?? [],
    readOnly: order.workspace?.change === 'none',
    scratch,
    onSession: session => report({type: 'attempt-session', attempt: order.attempt, session}),
    onSignal: signal => report({type: 'provider-signal', attempt: order.attempt, signal}),
  });
  return {ok: true, value: step};
}

/** Sessions are found by the folder they were begun in: in another one the agent begins anew, with the work as it was. */
function sessionFor({runtime, resume}: PromptWork, folder: string): string | null {
  return resume !== null && resume.runtime === runtime && resume.folder === folder ? resume.session : null;
}
