import type {AgentSettings} from '../model/agent-settings.ts';
import type {AgentRequest, AgentRun, AgentRuntime, Environment} from './agent-runtime.ts';
import {allowances} from './allow.ts';
import {codexLogin, isLoggedIn} from './codex-login.ts';
import {codexOutput} from './codex-output.ts';
import {codexFolder, mcpServerNames} from './codex-files.ts';
import {codexRollout} from './codex-rollout.ts';
import {detectProgram} from './detect-program.ts';
import {MEMORY_BYTES} from './memory.ts';

/** Keys that are for itself; commands that it runs need none of them. */
const OWN_KEYS = ['CODEX_API_KEY', 'OPENAI_API_KEY'];

/**
 * Codex, headless: one process for each prompt, which it reads from standard input. It may run any command, since its own
 * sandbox keeps them from writing outside of the worktree and from the network.
 */
export function codexRuntime({prices}: Pick<AgentSettings, 'prices'>): AgentRuntime {
  return {
    name: 'codex',
    secrets: OWN_KEYS,
    memoryBytes: MEMORY_BYTES.codex,
    detect: env =>
      detectProgram({program: 'codex', env, oldest: '0.169.0', hint: 'npm install -g @openai/codex'}, () =>
        codexLogin(env),
      ),
    begin(request, events): AgentRun {
      const folder = codexFolder(request.env);
      const resumed = request.resume === null ? null : codexRollout(folder, request.resume);
      return {
        file: 'codex',
        args: argumentsOf(request, resumed === null ? null : request.resume),
        env: keyOf(request.env),
        stdin: {all: request.prompt},
        ...codexOutput({
          model: request.model,
          cwd: request.cwd,
          prices,
          events,
          folder,
          before: resumed?.used() ?? null,
        }),
      };
    },
  };
}

function argumentsOf(request: AgentRequest, resume: string | null): string[] {
  const allowed = allowances(request.allow);
  return [
    ...['exec', '--json', '--color', 'never', '--skip-git-repo-check'],
    ...['-C', request.cwd, '-s', request.readOnly ? 'read-only' : 'workspace-write'],
    ...overrides({
      approval_policy: '"never"',
      'sandbox_workspace_write.network_access': String(allowed.network),
      web_search: allowed.network ? '"live"' : '"disabled"',
      'shell_environment_policy.exclude': JSON.stringify(OWN_KEYS),
      // What agents of its own use does not appear in what it reports.
      'features.multi_agent': String(allowed.spawn),
    }),
    ...(allowed.mcp ? [] : overrides(withoutMcp(request))),
    ...(request.model === null ? [] : ['-m', request.model]),
    ...(resume === null ? ['-'] : ['resume', resume, '-']),
  ];
}

/** An empty table would not take servers away: settings are merged. Each must be turned off by its name. */
function withoutMcp({cwd, env}: AgentRequest): Record<string, string> {
  const names = mcpServerNames(cwd, env).map(name => [`mcp_servers.${name}.enabled`, 'false'] as const);
  return {'features.apps': 'false', 'features.plugins': 'false', ...Object.fromEntries(names)};
}

function overrides(settings: Readonly<Record<string, string>>): string[] {
  return Object.entries(settings).flatMap(([key, value]) => ['-c', `${key}=${value}`]);
}

/** Without a login it takes a key only from the second of these variables. */
function keyOf(env: Environment): Environment {
  const key = env['OPENAI_API_KEY'] ?? '';
  if (key === '' || (env['CODEX_API_KEY'] ?? '') !== '' || isLoggedIn(env)) return {};
  return {CODEX_API_KEY: key};
}
