import {resolve} from 'node:path';
import {randomBytes} from 'node:crypto';
import {ok, type Result} from '../base/result.ts';
import type {Assignment, NeedResult} from '../federation/engine-io.ts';
import type {Failure} from '../model/failure.ts';
import type {TeamSpec} from '../model/team.ts';
import {renderAttempt} from '../plan/render.ts';
import type {AttemptOrder} from '../wire/host-protocol.ts';
import {extension, inputNames, instanceOutputFile, outputFile, outputFolder} from './output-paths.ts';

/** What the host is told to do for an assignment. Fails when the item cannot be filled in. */
export function orderOf(assignment: Assignment, team: TeamSpec): Result<AttemptOrder, Failure> {
  const {attempt, teamId, task, taskId, spec, item, number, agentId, needs} = assignment;
  const rendered = renderAttempt(spec, item);
  if (!rendered.ok) return rendered;
  const {script, verify, env, workingDirectory} = rendered.value;
  return ok({
    attempt,
    teamId,
    task: taskId,
    agent: agentId,
    number,
    script,
    verify,
    env: {...env, GODEL_NEEDS: needsText(needs)},
    cwd: workingDirectory === null ? team.cwd : resolve(team.cwd, workingDirectory),
    outputs: spec.outputs ?? null,
    timeoutMs: spec.timeoutMs ?? null,
    logFile: logFile(task, number),
    outputFile: spec.outputs ? outputOf(assignment, spec.outputs) : null,
    inputs: inputsOf(needs),
    traceparent: `00-${team.traceId}-${randomBytes(8).toString('hex')}-01`,
  });
}

export function logFile(task: number, number: number): string {
  return `logs/${task}.${number}.log`;
}

function outputOf({spec, taskId, task}: Assignment, kind: NonNullable<Assignment['spec']['outputs']>): string {
  return spec.foreach ? instanceOutputFile({of: spec.id, id: taskId, seq: task}, kind) : outputFile(taskId, kind);
}

/** Links to what the needs have put out: `NAME.json` or `NAME.txt`, and a folder `NAME` for a `foreach`. */
function inputsOf(needs: readonly NeedResult[]): AttemptOrder['inputs'] {
  const names = inputNames(needs.map(need => need.id));
  return needs.flatMap(({id, outputs, foreach, succeeded}, index) => {
    const name = names[index];
    if (!outputs || succeeded === 0 || name === undefined) return [];
    if (foreach) return [{name, target: outputFolder(id)}];
    return [{name: `${name}.${extension(outputs)}`, target: outputFile(id, outputs)}];
  });
}

function needsText(needs: readonly NeedResult[]): string {
  return JSON.stringify(
    Object.fromEntries(needs.map(({id, state, total, succeeded, failed}) => [id, {state, total, succeeded, failed}])),
  );
}
