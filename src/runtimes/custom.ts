import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {AgentSettings, CustomRuntime} from '../model/agent-settings.ts';
import type {AgentRequest, AgentRun, AgentRuntime, Detection, Environment} from './agent-runtime.ts';
import {customOutput} from './custom-output.ts';
import {findProgram} from './find-program.ts';

/** The kernel takes 128 KiB in one argument, with its end. */
const MAX_ARGUMENT_BYTES = 120 * 1024;

/** A coding agent that is known from the configuration only: a command, and where in its output the facts stand. */
export function customRuntime(custom: CustomRuntime, {prices}: Pick<AgentSettings, 'prices'>): AgentRuntime {
  const [file = '', ...template] = custom.command;
  return {
    name: custom.name,
    secrets: custom.secrets,
    memoryBytes: custom.memoryBytes,
    detect: env => detectCustom(file, env),
    begin(request, events): AgentRun {
      return {
        file,
        args: argumentsOf(template, valuesFor(request, custom)),
        env: {},
        stdin: custom.promptBy === 'stdin' ? {all: request.prompt} : 'closed',
        ...customOutput({custom, model: request.model, prices, events}),
      };
    },
  };
}

/** It is only looked for: nobody knows what a stranger's program does when it is asked for its version. */
async function detectCustom(program: string, env: Environment): Promise<Detection> {
  const file = await findProgram(program, env['PATH']);
  if (file === null) {
    const detail = `there is no ${program} on PATH`;
    return {found: false, detail, hint: 'put it on PATH, or give its absolute path in the configuration'};
  }
  return {found: true, file, version: 'unknown', login: 'unknown', loginDetail: 'known to it alone', warnings: []};
}

type Values = Readonly<Record<string, string | null>>;

function valuesFor(request: AgentRequest, custom: CustomRuntime): Values {
  return {
    prompt: custom.promptBy === 'stdin' ? null : promptArgument(request),
    model: request.model,
    session: request.resume,
    cwd: request.cwd,
  };
}

/** Too long for an argument, it is put into a file; with a dash in front it would be taken for an option. */
function promptArgument({prompt, scratch}: AgentRequest): string {
  if (Buffer.byteLength(prompt) <= MAX_ARGUMENT_BYTES) return prompt.startsWith('-') ? `\n${prompt}` : prompt;
  const file = join(scratch, 'prompt.md');
  writeFileSync(file, prompt);
  return `Your task stands in the file ${file}. Read the whole file, then do what it says.`;
}

/**
 * Fills in the placeholders. An argument whose value is not there is left out, with the option before it: `--model {model}` is
 * gone when no model was chosen.
 */
function argumentsOf(template: readonly string[], values: Values): string[] {
  const args: string[] = [];
  for (const [index, part] of template.entries()) {
    const names = placeholdersIn(part);
    if (names.every(name => values[name] !== null)) args.push(filled(part, values));
    else if (isOption(template[index - 1]) && part === `{${names[0] ?? ''}}`) args.pop();
  }
  return args;
}

function placeholdersIn(part: string): readonly string[] {
  return [...part.matchAll(/\{(prompt|model|session|cwd)\}/g)].map(([, name = '']) => name);
}

/** In one go: what is filled in is not looked into again. */
function filled(part: string, values: Values): string {
  return part.replaceAll(/\{(prompt|model|session|cwd)\}/g, (_, name: string) => values[name] ?? '');
}

function isOption(part: string | undefined): boolean {
  return part?.startsWith('-') === true && placeholdersIn(part).length === 0;
}
