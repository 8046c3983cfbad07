import {accessSync, constants, statSync} from 'node:fs';
import {type Result, fail, ok} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {Command} from '../runtimes/runtime.ts';
import type {AttemptLog} from './attempt-log.ts';
import type {Ending} from './ending.ts';
import {shortened} from './file-failure.ts';
import type {OutputFile} from './output-file.ts';
import type {Exit, StartFailure} from './process-group.ts';
import type {ProgramRunner} from './program-runner.ts';

export interface StepMeans {
  readonly programs: ProgramRunner;
  readonly log: AttemptLog;
  readonly ending: Ending;
}

export interface ScriptStep {
  readonly step: 'run' | 'verify';
  readonly command: Command;
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** Gets what the script prints. */
  readonly output: OutputFile | null;
}

/** Runs one script to its end, with everything it started. */
export async function runScript(
  script: ScriptStep,
  {programs, log, ending}: StepMeans,
): Promise<Result<void, Failure>> {
  const {step, command, cwd, env, output} = script;
  log.beginStep();
  const [stdout, stderr] = [log.stream(), log.stream()];
  const run = await programs.run({
    ...command,
    cwd,
    env,
    onStdout: chunk => {
      stdout.write(chunk);
      const kept = ending.failure ? null : output?.write(chunk);
      if (kept?.ok === false) ending.begin(kept.failure);
    },
    onStderr: chunk => stderr.write(chunk),
  });
  stdout.end();
  stderr.end();
  if (ending.failure) return fail(ending.failure);
  if (!run.ok) return fail(notStarted(script, run.failure, log));
  return run.value.exitCode === 0 ? ok(undefined) : fail(exitFailure(step, run.value, log));
}

/** What a shell would say in its place: 127 for a command that is not there, 126 for one that cannot be run. */
function notStarted({step, command, cwd}: ScriptStep, failure: StartFailure, log: AttemptLog): Failure {
  const {file} = command;
  const failed = startFailureOf(file, cwd, failure);
  if (failed.code !== 'ENOENT' && failed.code !== 'EACCES') return failed;
  if (folderProblem(cwd) !== null) return failed;
  log.note(failed.code === 'ENOENT' ? `${file}: command not found` : `${file}: permission denied`);
  return exitFailure(step, {exitCode: failed.code === 'ENOENT' ? 127 : 126, signal: null}, log);
}

/** A program that could not be started: because of its folder, or of itself. */
export function startFailureOf(
  file: string,
  cwd: string,
  {code, detail}: StartFailure,
): Extract<Failure, {reason: 'spawn-failed'}> {
  const command = file.slice(0, 1000);
  return {reason: 'spawn-failed', command, code, detail: shortened(folderProblem(cwd) ?? detail)};
}

function exitFailure(step: ScriptStep['step'], {exitCode, signal}: Exit, log: AttemptLog): Failure {
  const facts = {exitCode, signal, tail: log.tail};
  return step === 'run' ? {reason: 'command-failed', ...facts} : {reason: 'verify-failed', ...facts};
}

function folderProblem(cwd: string): string | null {
  try {
    if (!statSync(cwd).isDirectory()) return `the working directory ${cwd} is a file`;
    accessSync(cwd, constants.X_OK);
    return null;
  } catch {
    return `the working directory ${cwd} does not exist or cannot be entered`;
  }
}
