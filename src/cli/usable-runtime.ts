import {GodelError} from '../model/failure.ts';
import {detectAll} from '../runtimes/registry.ts';
import type {Cli, GlobalOptions} from './cli.ts';
import {settingsOf} from './connect.ts';

/** The coding agent to use where nobody has said which: the first that is there and logged in, or may be. */
export async function usableRuntime(cli: Cli, options: GlobalOptions): Promise<string> {
  const {agents} = settingsOf(cli, options);
  const all = await detectAll(cli.env, agents);
  const found = all.flatMap(({name, detection}) => (detection.found ? [{name, ...detection}] : []));
  const usable = found.find(({login}) => login === 'yes') ?? found.find(({login}) => login === 'unknown');
  if (usable) return usable.name;
  const [first] = found;
  if (first) {
    throw new GodelError({
      reason: 'runtime-missing',
      runtime: first.name,
      detail: `it is installed (${first.version}) but not logged in`,
      hint: first.loginDetail,
    });
  }
  throw new GodelError({
    reason: 'runtime-missing',
    runtime: all.map(({name}) => name).join(', '),
    detail: 'none of these coding agents is on PATH, and a prompt needs one',
    hint: 'Install one, for example `npm install -g @anthropic-ai/claude-code`, or name another with --runtime; `godel runtimes` shows what is there',
  });
}
