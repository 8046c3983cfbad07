import {basename} from 'node:path';
import type {AgentSettings} from '../model/agent-settings.ts';
import {acpRun} from './acp-run.ts';
import type {AgentRequest, AgentRun, AgentRuntime, Detection, Environment} from './agent-runtime.ts';
import {allowances} from './allow.ts';
import {findProgram} from './find-program.ts';
import {opencodeEnvironment} from './opencode.ts';

export interface AcpOptions extends Pick<AgentSettings, 'prices'> {
  readonly name: string;
  /** Program and arguments; `{model}` and `{cwd}` are filled in. */
  readonly command: readonly string[];
  readonly secrets: readonly string[];
  readonly memoryBytes: number | null;
}

/** Any agent that speaks the Agent Client Protocol on its standard input and output. */
export function acpRuntime({name, command, secrets, memoryBytes, prices}: AcpOptions): AgentRuntime {
  const [file = '', ...template] = command;
  return {
    name,
    secrets,
    memoryBytes,
    detect: env => detectAgent(file, env),
    begin(request, events): AgentRun {
      return {
        file,
        args: argumentsOf(template, request),
        env: permissionsOf(file, request),
        stdin: {first: ''},
        ...acpRun({
          request,
          events,
          runtime: name,
          prices,
          modelByCommand: template.some(part => part.includes('{model}')),
        }),
      };
    },
  };
}

/** It is only looked for: what it is called with otherwise, nobody knows. */
async function detectAgent(program: string, env: Environment): Promise<Detection> {
  const file = await findProgram(program, env['PATH']);
  if (file === null) {
    const detail = `there is no ${program} on PATH`;
    return {found: false, detail, hint: 'put it on PATH, or give its absolute path in the configuration'};
  }
  return {found: true, file, version: 'unknown', login: 'unknown', loginDetail: 'known to it alone', warnings: []};
}

/** Most agents ask before they do something. opencode does so only where its settings say, so it is told by them. */
function permissionsOf(program: string, request: AgentRequest): Environment {
  return basename(program) === 'opencode' ? opencodeEnvironment(request, allowances(request.allow)) : {};
}

/** `--model {model}` is gone when no model was chosen. */
function argumentsOf(template: readonly string[], {model, cwd}: AgentRequest): string[] {
  const args: string[] = [];
  for (const [index, part] of template.entries()) {
    const filled = part.replaceAll('{cwd}', () => cwd);
    if (model !== null) args.push(filled.replaceAll('{model}', () => model));
    else if (!part.includes('{model}')) args.push(filled);
    else if (part === '{model}' && template[index - 1]?.startsWith('-') === true) args.pop();
  }
  return args;
}
