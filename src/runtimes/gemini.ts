import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {AgentRequest, AgentRun, AgentRuntime} from './agent-runtime.ts';
import {allowances} from './allow.ts';
import {detectProgram} from './detect-program.ts';
import {geminiLogin, hasGeminiSession} from './gemini-files.ts';
import {geminiOutput} from './gemini-output.ts';
import {geminiPolicy} from './gemini-policy.ts';
import {MEMORY_BYTES} from './memory.ts';

/** No server has this name: naming it allows none of those that there are. */
const NO_SERVER = 'none-allowed';

/** Gemini CLI, headless: one process (and its child) for each prompt, which it reads from standard input. */
export function geminiRuntime({prices}: Pick<AgentSettings, 'prices'>): AgentRuntime {
  return {
    name: 'gemini',
    secrets: ['GEMINI_API_KEY', 'GOOGLE_API_KEY'],
    memoryBytes: MEMORY_BYTES.gemini,
    detect: env =>
      detectProgram({program: 'gemini', env, oldest: '0.61.0', hint: 'npm install -g @google/gemini-cli'}, () =>
        geminiLogin(env),
      ),
    begin(request, events): AgentRun {
      return {
        file: 'gemini',
        args: argumentsOf(request),
        // Reports of failed requests go there, with the whole conversation in them; nobody would clean them up elsewhere.
        env: {TMPDIR: request.scratch},
        stdin: {all: asProse(request.prompt)},
        ...geminiOutput({cwd: request.cwd, prices, events}),
      };
    },
  };
}

function argumentsOf(request: AgentRequest): string[] {
  const allowed = allowances(request.allow);
  const policy = join(request.scratch, 'policy.toml');
  writeFileSync(policy, geminiPolicy(allowed, request.readOnly));
  return [
    ...['-o', 'stream-json'],
    ...['--approval-mode', request.readOnly ? 'default' : 'auto_edit'],
    // In a folder that nobody has trusted it would not even edit files.
    '--skip-trust',
    ...['--policy', policy],
    ...(allowed.mcp ? [] : ['--allowed-mcp-server-names', NO_SERVER, '-e', 'none']),
    ...(request.model === null ? [] : ['-m', request.model]),
    ...sessionOf(request),
  ];
}

function sessionOf({resume, cwd, env}: AgentRequest): string[] {
  return resume !== null && hasGeminiSession(resume, cwd, env) ? ['--resume', resume] : [];
}

/** At the very beginning a slash would make the prompt a command of its own (`/clear`). */
function asProse(prompt: string): string {
  return prompt.startsWith('/') ? `\n${prompt}` : prompt;
}
