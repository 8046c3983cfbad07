import type {Detection, Environment} from './agent-runtime.ts';
import {isOlder, versionIn} from './agent-version.ts';
import {askProgram} from './ask-program.ts';
import {findProgram} from './find-program.ts';

export interface DetectProgram {
  readonly program: string;
  readonly env: Environment;
  /** The oldest version that has been tried; null: any. */
  readonly oldest: string | null;
  /** How to get it. */
  readonly hint: string;
}

export interface Login {
  readonly login: 'yes' | 'no' | 'unknown';
  readonly loginDetail: string;
}

/** Finds a program on PATH, has it say its version and asks `login` about credentials. */
export async function detectProgram(
  {program, env, oldest, hint}: DetectProgram,
  login: (file: string) => Promise<Login>,
): Promise<Detection> {
  const file = await findProgram(program, env['PATH']);
  if (file === null) return {found: false, detail: `there is no ${program} on PATH`, hint};
  const answer = await askProgram(file, ['--version'], {env});
  if (!answer.ok) return {found: false, detail: answer.failure, hint};
  const {exitCode, stdout, stderr} = answer.value;
  const version = versionIn(stdout) ?? versionIn(stderr);
  if (exitCode !== 0 || version === null) {
    const said = (stderr.trim() || stdout.trim()).slice(0, 300) || 'nothing';
    return {found: false, detail: `${file} --version ended with exit code ${exitCode ?? '?'} and said: ${said}`, hint};
  }
  const warnings =
    oldest !== null && isOlder(version, oldest) ? [`version ${version} is older than any tried (${oldest})`] : [];
  return {found: true, file, version, ...(await login(file)), warnings};
}
