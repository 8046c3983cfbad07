import {randomUUID} from 'node:crypto';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {AgentRequest, AgentRun, AgentRuntime} from './agent-runtime.ts';
import {type Allowances, allowances} from './allow.ts';
import {claudeLogin} from './claude-login.ts';
import {claudeOutput} from './claude-output.ts';
import {hasClaudeSession, mcpServers, projectGuide} from './claude-files.ts';
import {detectProgram} from './detect-program.ts';
import {MEMORY_BYTES} from './memory.ts';

const READING = ['Read', 'Glob', 'Grep', 'LS', 'TodoWrite', 'TaskCreate', 'TaskGet', 'TaskList', 'TaskUpdate', 'Bash'];
const EDITING = ['Edit', 'MultiEdit', 'Write', 'NotebookEdit'];
const FETCHING = ['WebFetch', 'WebSearch'];
const SUBAGENTS = ['Task', 'Agent'];

/** Claude Code, headless: one process for each prompt, which it reads from standard input. */
export function claudeRuntime({prices}: Pick<AgentSettings, 'prices'>): AgentRuntime {
  return {
    name: 'claude',
    secrets: ['ANTHROPIC_API_KEY', 'ANTHROPIC_AUTH_TOKEN', 'CLAUDE_CODE_OAUTH_TOKEN', 'AWS_BEARER_TOKEN_BEDROCK'],
    memoryBytes: MEMORY_BYTES.claude,
    detect: env =>
      detectProgram({program: 'claude', env, oldest: '2.1.0', hint: 'npm install -g @anthropic-ai/claude-code'}, () =>
        claudeLogin(env),
      ),
    begin(request, events): AgentRun {
      return {
        file: 'claude',
        args: argumentsOf(request),
        env: {
          CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
          DISABLE_AUTOUPDATER: '1',
          // It would remember by folder, and worktrees are used again by other tasks.
          CLAUDE_CODE_DISABLE_AUTO_MEMORY: '1',
        },
        stdin: {all: asProse(request.prompt)},
        ...claudeOutput({cwd: request.cwd, prices, events}),
      };
    },
  };
}

function argumentsOf(request: AgentRequest): string[] {
  const allowed = allowances(request.allow);
  const guide = projectGuide(request.cwd);
  return [
    '-p',
    ...['--output-format', 'stream-json', '--verbose', '--include-partial-messages'],
    // Outside of its folder, and for commands that do more than look, it asks; with nobody there that is a no.
    ...['--permission-mode', request.readOnly ? 'default' : 'acceptEdits'],
    // The settings of a repository could allow anything and run hooks.
    ...['--setting-sources', 'user'],
    ...['--tools', toolsFor(allowed, request.readOnly).join(',')],
    ...rulesFor(allowed, request),
    ...(request.model === null ? [] : ['--model', request.model]),
    ...(request.maxUsd === null || request.maxUsd <= 0 ? [] : ['--max-budget-usd', String(request.maxUsd)]),
    ...(guide === null ? [] : ['--append-system-prompt', guide]),
    ...sessionOf(request),
  ];
}

/** What is not named here does not exist for it: plans for later, worktrees of its own, messages to others. */
function toolsFor(allowed: Allowances, readOnly: boolean): readonly string[] {
  return [
    ...READING,
    ...(readOnly ? [] : EDITING),
    ...(allowed.network ? FETCHING : []),
    ...(allowed.spawn ? SUBAGENTS : []),
  ];
}

function rulesFor(allowed: Allowances, {cwd, env}: AgentRequest): string[] {
  const servers = allowed.mcp ? mcpServers(cwd, env) : null;
  const rules = [
    ...(allowed.bash === 'any' ? ['Bash'] : allowed.bashPatterns.map(pattern => `Bash(${pattern})`)),
    ...(allowed.network ? FETCHING : []),
    ...(allowed.readOutside ? ['Read', 'Glob', 'Grep'] : []),
    ...(servers?.names.map(name => `mcp__${name}`) ?? []),
  ];
  return [
    ...(servers === null ? ['--strict-mcp-config'] : servers.projectFile.flatMap(file => ['--mcp-config', file])),
    ...(rules.length === 0 ? [] : ['--allowedTools', ...rules]),
  ];
}

function sessionOf({resume, cwd, env}: AgentRequest): string[] {
  return resume !== null && hasClaudeSession(resume, cwd, env) ? ['--resume', resume] : ['--session-id', randomUUID()];
}

/** At the very beginning a slash would make the prompt a command of its own (`/clear`). */
function asProse(prompt: string): string {
  return prompt.startsWith('/') ? `\n${prompt}` : prompt;
}
