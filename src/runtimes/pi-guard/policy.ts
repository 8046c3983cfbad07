/** What pi may do, as its guard is told in the environment variable `GODEL_PI_POLICY`. */
export interface PiPolicy {
  /** The folder outside of which it may change nothing. */
  readonly cwd: string;
  /** Commands it may run, `*` for anything; null: any command. */
  readonly bash: readonly string[] | null;
  readonly readOutside: boolean;
}

/** Every refusal begins so, for people and for our reading of pi's output. */
export const REFUSAL = 'Not allowed by godel: ';

export interface ToolCall {
  readonly toolName: string;
  readonly input: Readonly<Record<string, unknown>>;
}

/**
 * Why a call is refused; null: it may go on. `realPath` follows links as far as the path exists, so that a link in the folder
 * leads no further than the folder.
 */
export function refusalOf(call: ToolCall, policy: PiPolicy, realPath: (path: string) => string): string | null {
  switch (call.toolName) {
    case 'edit':
    case 'write':
      return outside(call, policy, realPath) ? `it may only change files in ${policy.cwd}` : null;
    case 'read':
    case 'grep':
    case 'find':
    case 'ls':
      return !policy.readOutside && outside(call, policy, realPath)
        ? `it may only read in ${policy.cwd} (--allow read-outside)`
        : null;
    case 'bash':
      return commandRefusal(text(call.input['command']), policy.bash);
    default:
      return `the tool ${call.toolName} is not known`;
  }
}

function outside({input}: ToolCall, {cwd}: PiPolicy, realPath: (path: string) => string): boolean {
  const folder = realPath(cwd);
  const path = realPath(text(input['path']) || '.');
  return path !== folder && !path.startsWith(`${folder}/`);
}

function commandRefusal(command: string, patterns: readonly string[] | null): string | null {
  if (patterns === null) return null;
  // A pattern speaks of one command; what could make it several, or redirect it, is not that command.
  if (/[;&|<>$`()\n\r\\]/.test(command)) return 'only single, plain commands are allowed';
  return patterns.some(pattern => matches(command.trim(), pattern)) ? null : `\`${command}\` (--allow bash:PATTERN)`;
}

function matches(command: string, pattern: string): boolean {
  const parts = pattern.split('*').map(part => part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'));
  return new RegExp(`^${parts.join('.*')}$`).test(command);
}

function text(value: unknown): string {
  return typeof value === 'string' ? value : '';
}
