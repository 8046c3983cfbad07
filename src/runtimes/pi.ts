import {fileURLToPath} from 'node:url';
import {existsSync} from 'node:fs';
import {dirname, join} from 'node:path';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {AgentRequest, AgentRun, AgentRuntime} from './agent-runtime.ts';
import {type Allowances, allowances} from './allow.ts';
import {detectProgram} from './detect-program.ts';
import {PI_KEYS, piLogin, piSessionFile} from './pi-files.ts';
import type {PiPolicy} from './pi-guard/policy.ts';
import {piOutput} from './pi-output.ts';
import {MEMORY_BYTES} from './memory.ts';

/**
 * pi, headless: one process for each prompt, which it reads from standard input. It asks nobody for permission, so an extension of
 * ours goes with it that refuses what was not allowed; those of the user and of the repository stay out.
 */
export function piRuntime({prices}: Pick<AgentSettings, 'prices'>): AgentRuntime {
  return {
    name: 'pi',
    secrets: PI_KEYS,
    memoryBytes: MEMORY_BYTES.pi,
    detect: env =>
      detectProgram(
        {
          program: 'pi',
          env,
          oldest: '0.74.0',
          hint: 'npm install -g @earendil-works/pi-coding-agent (on Node 20: version 0.74.2)',
        },
        () => piLogin(env),
      ),
    begin(request, events): AgentRun {
      const allowed = allowances(request.allow);
      return {
        file: 'pi',
        args: argumentsOf(request, allowed),
        env: {PI_OFFLINE: '1', PI_TELEMETRY: '0', GODEL_PI_POLICY: JSON.stringify(policyOf(request, allowed))},
        stdin: {all: request.prompt},
        ...piOutput({cwd: request.cwd, prices, events}),
      };
    },
  };
}

function argumentsOf(request: AgentRequest, allowed: Allowances): string[] {
  const session = request.resume === null ? null : piSessionFile(request.resume, request.cwd, request.env);
  return [
    ...['-p', '--mode', 'json', '--offline'],
    ...['--no-skills', '--no-prompt-templates', '--no-themes', '--no-extensions', '--extension', guardFile()],
    ...['--tools', toolsFor(request, allowed).join(',')],
    ...(request.model === null ? [] : ['--model', request.model]),
    ...(session === null ? [] : ['--session', session]),
  ];
}

function toolsFor({readOnly}: AgentRequest, allowed: Allowances): readonly string[] {
  const shell = allowed.bash === 'any' || allowed.bashPatterns.length > 0;
  return ['read', 'grep', 'find', 'ls', ...(readOnly ? [] : ['edit', 'write']), ...(shell ? ['bash'] : [])];
}

function policyOf({cwd}: AgentRequest, allowed: Allowances): PiPolicy {
  return {cwd, bash: allowed.bash === 'any' ? null : allowed.bashPatterns, readOutside: allowed.readOutside};
}

/** The extension, as pi loads it: built beside this module or beside the folder of its chunk, or as it stands in `src`. */
function guardFile(): string {
  const here = dirname(fileURLToPath(import.meta.url));
  const places = [join(here, 'pi-guard.js'), join(here, '..', 'pi-guard.js'), join(here, 'pi-guard', 'entry.ts')];
  const file = places.find(place => existsSync(place));
  if (file === undefined) throw new Error(`pi-guard.js is missing beside ${here}: install godel again`);
  return file;
}
