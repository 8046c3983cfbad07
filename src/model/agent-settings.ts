import type {Price} from './price.ts';

/** What the configuration says of coding agents. */
export interface AgentSettings {
  readonly runtimes: readonly CustomRuntime[];
  /** By `MODEL` or `RUNTIME/MODEL`; they win over the table that comes with godel. */
  readonly prices: Readonly<Record<string, Price>>;
  readonly workspace: WorkspaceSettings;
}

/** A coding agent that godel knows only from the configuration. */
export interface CustomRuntime {
  readonly name: string;
  /** Program and arguments; `{prompt}`, `{model}`, `{session}` and `{cwd}` are filled in. */
  readonly command: readonly string[];
  /** How the prompt reaches it: as the argument `{prompt}`, or on standard input. */
  readonly promptBy: 'argument' | 'stdin';
  /** text: what it prints is its answer. json: one JSON value; json-lines: one a line; acp: the Agent Client Protocol. */
  readonly output: 'text' | 'json' | 'json-lines' | 'acp';
  /** Where in a JSON output the facts stand, as paths such as `usage.input`; what is absent stays unknown. */
  readonly fields: {
    readonly text?: string;
    readonly session?: string;
    readonly inputTokens?: string;
    readonly outputTokens?: string;
    readonly usd?: string;
    readonly error?: string;
  };
  /** Environment variables with secrets that it needs. */
  readonly secrets: readonly string[];
  readonly provider: string | null;
  readonly memoryBytes: number | null;
}

export interface WorkspaceSettings {
  /** Folders such as `node_modules` that a worktree gets from the user's checkout, and how. */
  readonly link: readonly {readonly path: string; readonly how: 'copy' | 'symlink'}[];
  /** Most bytes that all worktrees of a project may take on disk; null: no limit. */
  readonly quotaBytes: number | null;
}

export const NO_AGENT_SETTINGS: AgentSettings = {runtimes: [], prices: {}, workspace: {link: [], quotaBytes: null}};
