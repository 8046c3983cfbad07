import {isAbsolute, join, resolve} from 'node:path';
import {randomBytes} from 'node:crypto';
import {fail, ok, type Result} from '../base/result.ts';
import type {Assignment, NeedResult} from '../federation/engine-io.ts';
import type {JsonValue} from '../base/json.ts';
import type {Failure} from '../model/failure.ts';
import type {TaskSpec, Touches} from '../model/task.ts';
import type {TeamSpec} from '../model/team.ts';
import {type RenderedAttempt, renderAttempt, renderTemplate} from '../plan/render.ts';
import type {AttemptOrder, WorkspaceOrder} from '../wire/host-protocol.ts';
import {promptText} from './prompt-text.ts';
import {MAX_MESSAGE_BYTES} from '../wire/json-socket.ts';
import {refOf} from '../workspace/ref-names.ts';
import {extension, inputNames, instanceOutputFile, outputFile, outputFolder} from './output-paths.ts';

const MAX_NEEDS_BYTES = 100 * 1024;
/** What there is in an order beside what is counted: names and numbers, the working directory. */
const OVERHEAD_BYTES = 30_000;
const OVERHEAD_PER_INPUT_BYTES = 25;
/** A character of JSON at worst, `\\u0001`. */
const MAX_CHARACTER_BYTES = 6;

/** What the host is told to do for an assignment. `tip`: where the team's branch stands. Fails when the item cannot be filled in. */
export function orderOf(assignment: Assignment, team: TeamSpec, tip: string | null): Result<AttemptOrder, Failure> {
  const {attempt, teamId, task, taskId, spec, item, number, agentId, needs, race} = assignment;
  const rendered = renderAttempt(spec, item);
  if (!rendered.ok) return rendered;
  const {verify, env, workingDirectory} = rendered.value;
  const inputs = inputsOf(needs);
  const workspace = workspaceOf(assignment, team, {tip, touches: rendered.value.touches});
  if (!workspace.ok) return workspace;
  const order: AttemptOrder = {
    attempt,
    teamId,
    task: taskId,
    agent: agentId,
    number,
    work: workOf(rendered.value, assignment, inputs),
    verify,
    env: {...env, ...needsVariable(needs)},
    cwd: workspace.value ? folderInWorktree(team, workingDirectory) : folderOf(team, workingDirectory),
    outputs: spec.outputs ?? null,
    timeoutMs: spec.timeoutMs ?? null,
    ...(spec.limits && {limits: spec.limits}),
    logFile: logFile(task, number),
    outputFile: spec.outputs ? outputOf(assignment, spec.outputs) : null,
    ...(spec.outputs && race !== undefined ? {claimFile: claimFile(task, race)} : {}),
    inputs,
    traceparent: `00-${team.traceId}-${randomBytes(8).toString('hex')}-01`,
    ...(workspace.value ? {workspace: workspace.value} : {}),
  };
  return sizeOf(order) <= MAX_MESSAGE_BYTES ? ok(order) : fail(tooLarge);
}

function folderOf(team: TeamSpec, directory: string | null): string {
  return directory === null ? team.cwd : resolve(team.cwd, directory);
}

/** The same place in the worktree, relative to its root; what is outside of the checkout stays where it is. */
function folderInWorktree(team: TeamSpec, directory: string | null): string {
  if (directory !== null && isAbsolute(directory)) return directory;
  return join(team.repository?.prefix ?? '', directory ?? '');
}

function workOf(
  {work, touches}: RenderedAttempt,
  assignment: Assignment,
  inputs: AttemptOrder['inputs'],
): AttemptOrder['work'] {
  if (work.kind === 'command') return work;
  const {means, memo, reviewed} = assignment;
  if (!means) throw new Error(`Internal error: the prompt of ${assignment.taskId} goes to nobody`);
  const reviewedPrompt = reviewed ? promptOf(reviewed.spec, reviewed.item) : null;
  const names = inputs.map(({name}) => name);
  const {runtime, model, cap} = means;
  return {
    kind: 'prompt',
    prompt: promptText({prompt: work.prompt, assignment, touches, reviewedPrompt, inputs: names}),
    runtime,
    model,
    cap,
    resume: memo?.session?.runtime === runtime ? memo.session : null,
    isReview: reviewed !== undefined,
  };
}

function promptOf(spec: TaskSpec, item: JsonValue | undefined): string | null {
  return spec.prompt === undefined ? null : renderTemplate(spec.prompt, item);
}

function workspaceOf(
  {spec, memo, reviewed, taskId, attempt}: Assignment,
  {repository, name}: TeamSpec,
  {tip, touches}: {readonly tip: string | null; readonly touches: Touches | null},
): Result<WorkspaceOrder | null, Failure> {
  if (spec.workspace === undefined && spec.prompt === undefined) return ok(null);
  if (!repository || tip === null) {
    return fail({reason: 'workspace-failed', detail: 'its team has no git repository'});
  }
  const {root, gitFolder} = repository;
  return ok({
    root,
    gitFolder,
    base: reviewed ? reviewed.work.commit : tip,
    apply: memo?.conflict?.commit ?? null,
    ref: refOf({team: name, task: taskId, attempt}),
    change: spec.change ?? 'optional',
    touches,
    subject: subjectOf(spec, taskId),
  });
}

/** The first line of what an agent is asked, or the task's id. */
function subjectOf(spec: TaskSpec, taskId: string): string {
  const first = spec.prompt?.[0];
  const line = typeof first === 'string' ? first.trim().split('\n', 1)[0] : undefined;
  return line === undefined || line === '' ? taskId : `${taskId}: ${line}`.slice(0, 200);
}

/** Orders that together fit into one message: a host that is sent more cuts the connection, each time anew. */
export function* inMessages(orders: readonly AttemptOrder[]): Generator<AttemptOrder[]> {
  let portion: AttemptOrder[] = [];
  let size = 0;
  for (const order of orders) {
    const more = sizeOf(order);
    if (size + more > MAX_MESSAGE_BYTES) {
      yield portion;
      portion = [];
      size = 0;
    }
    portion.push(order);
    size += more;
  }
  if (portion.length > 0) yield portion;
}

/** How large an order may be as JSON, told without making the text. */
function sizeOf({work, verify, env, inputs}: AttemptOrder): number {
  let characters = (work.kind === 'command' ? work.script : work.prompt).length + (verify?.length ?? 0);
  for (const [name, value] of Object.entries(env)) characters += name.length + value.length;
  let size = OVERHEAD_BYTES + characters * MAX_CHARACTER_BYTES;
  // Made of plain letters by `output-paths.ts`.
  for (const {name, target} of inputs) size += OVERHEAD_PER_INPUT_BYTES + name.length + target.length;
  return size;
}

const tooLarge: Failure = {
  reason: 'spawn-failed',
  command: 'run',
  code: 'E2BIG',
  detail:
    'its script, its variables and the list of the outputs that it is given are together more than fits into one message to its host',
};

export function logFile(task: number, number: number): string {
  return `logs/${task}.${number}.log`;
}

/** Of all attempts of a task that may run at the same time. */
function claimFile(task: number, race: number): string {
  return `claims/${task}.${race}`;
}

function outputOf({spec, taskId, task}: Assignment, kind: NonNullable<Assignment['spec']['outputs']>): string {
  return spec.foreach ? instanceOutputFile({of: spec.id, id: taskId, seq: task}, kind) : outputFile(taskId, kind);
}

/** Links to what the needs have put out: `NAME.json` or `NAME.txt`, and a folder `NAME` for a `foreach`. */
function inputsOf(needs: readonly NeedResult[]): AttemptOrder['inputs'] {
  const names = inputNames(needs.map(need => need.name));
  return needs.flatMap(({id, outputs, foreach, succeeded}, index) => {
    const name = names[index];
    if (!outputs || succeeded === 0 || name === undefined) return [];
    if (foreach) return [{name, target: outputFolder(id)}];
    return [{name: `${name}.${extension(outputs)}`, target: outputFile(id, outputs)}];
  });
}

/**
 * Linux starts no program with a variable of more than 128 KiB, and a task that joins thousands of others has to start:
 * it goes without this one.
 */
function needsVariable(needs: readonly NeedResult[]): Record<string, string> {
  const text = JSON.stringify(
    Object.fromEntries(
      needs.map(({name, state, total, succeeded, failed}) => [name, {state, total, succeeded, failed}]),
    ),
  );
  return Buffer.byteLength(text) <= MAX_NEEDS_BYTES ? {GODEL_NEEDS: text} : {};
}
