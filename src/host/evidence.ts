import {type Result, fail, ok} from '../base/result.ts';
import type {Verdict} from '../model/attempt.ts';
import type {Failure} from '../model/failure.ts';
import type {ChangeRule, OutputKind, Touches} from '../model/task.ts';
import {outsideTouches} from '../workspace/evidence.ts';
import {jsonAnswer, verdictIn} from './answer.ts';

/** How much of a long list of files is reported. */
const MAX_FILES = 100;
const MAX_CHARACTERS = 20_000;

/** What there is to judge an attempt by whose program says that it has succeeded. */
export interface Evidence {
  /** Null: a command was run, whose output is what it has printed. */
  readonly agent: {
    readonly runtime: string;
    /** Its last words. */
    readonly text: string;
    /** What it was denied though it went on. */
    readonly denied: readonly string[];
  } | null;
  /** Null: it had no worktree. */
  readonly change: {
    /** Paths that were changed, relative to the root of the repository. */
    readonly files: readonly string[];
    /** Files that still hold the conflict markers that were put into them. */
    readonly markers: readonly string[];
  } | null;
}

export interface Demands {
  readonly outputs: OutputKind | null;
  readonly isReview: boolean;
  readonly change: ChangeRule;
  readonly touches: Touches | null;
}

export interface Findings {
  /** What an agent has answered, as its declared output; null: none was declared, or a command has printed it. */
  readonly output: string | null;
  readonly verdict: Verdict | null;
  /** What is no failure but should be known. */
  readonly warnings: readonly string[];
}

/** Judges an attempt by everything but `verify`: words of success alone count for nothing. The first failure counts. */
export function judge({agent, change}: Evidence, demands: Demands): Result<Findings, Failure> {
  const files = change?.files ?? [];
  if (agent && agent.denied.length > 0 && demands.change === 'required' && files.length === 0) {
    const detail = `it changed nothing, and was denied ${agent.denied.join(', ')}`;
    return fail(agentError(agent.runtime, 'permission-denied', detail));
  }
  const output = agent ? outputOf(agent, demands.outputs) : ok(null);
  if (!output.ok) return output;
  const verdict = agent && demands.isReview ? verdictOf(agent) : ok(null);
  if (!verdict.ok) return verdict;
  const changed = change ? judgeChange(change, agent?.runtime ?? 'command', demands) : ok([]);
  if (!changed.ok) return changed;
  const denied = agent && agent.denied.length > 0 ? [`it was denied ${agent.denied.join(', ')}`] : [];
  return ok({output: output.value, verdict: verdict.value, warnings: [...denied, ...changed.value]});
}

function outputOf(
  {runtime, text}: NonNullable<Evidence['agent']>,
  kind: OutputKind | null,
): Result<string | null, Failure> {
  if (kind !== 'json') return ok(kind === null ? null : text);
  const answer = jsonAnswer(text);
  return answer.ok ? ok(answer.value.text) : fail(agentError(runtime, 'bad-output', answer.failure));
}

function verdictOf({runtime, text}: NonNullable<Evidence['agent']>): Result<Verdict, Failure> {
  const verdict = verdictIn(text);
  return verdict.ok ? verdict : fail(agentError(runtime, 'bad-output', verdict.failure));
}

/** Returns warnings. */
function judgeChange(
  {files, markers}: NonNullable<Evidence['change']>,
  runtime: string,
  {change, touches}: Demands,
): Result<readonly string[], Failure> {
  if (markers.length > 0) {
    const {shown, omitted} = bounded(markers);
    const detail = `conflict markers are left in ${shown.join(', ')}${omitted > 0 ? ` and ${omitted} more` : ''}`;
    return fail(agentError(runtime, 'bad-output', detail));
  }
  if (change === 'required' && files.length === 0) return fail({reason: 'no-change'});
  if (change === 'none' && files.length > 0) return fail(outside(files, []));
  if (touches === null) return ok([]);
  const strays = outsideTouches(files, touches);
  if (strays.length === 0) return ok([]);
  return touches.policy === 'fail' ? fail(outside(strays, touches.globs)) : ok([strayWarning(strays, touches.globs)]);
}

function agentError(runtime: string, kind: 'permission-denied' | 'bad-output', detail: string): Failure {
  return {reason: 'agent-error', runtime, kind, detail: detail.slice(0, 2000), exitCode: null};
}

function outside(files: readonly string[], globs: readonly string[]): Failure {
  const {shown, omitted} = bounded(files);
  return {reason: 'outside-touches', files: shown, omitted, globs};
}

function strayWarning(files: readonly string[], globs: readonly string[]): string {
  const more = files.length > 10 ? ` and ${files.length - 10} more` : '';
  return `it has changed ${files.slice(0, 10).join(', ')}${more}, outside of \`touches\` (${globs.join(', ')})`;
}

function bounded(files: readonly string[]): {shown: readonly string[]; omitted: number} {
  let characters = 0;
  const shown = files.slice(0, MAX_FILES).filter(file => (characters += file.length) <= MAX_CHARACTERS);
  return {shown, omitted: files.length - shown.length};
}
