import type {Allowances} from './allow.ts';
import {LOOKING_COMMANDS} from './looking-commands.ts';

type Decision = 'allow' | 'deny';
/** Of several rules that match, opencode takes the last. */
type Rules = Readonly<Record<string, Decision>>;

/** What a tool call ends with that these rules forbid. */
export const OPENCODE_DENIED = /specified a rule which prevents|rejected permission to use/i;

/** What it may do, as opencode's setting `permission`. Everything is decided: nobody is there to be asked. */
export function opencodePermissions(
  allowed: Allowances,
  readOnly: boolean,
): Readonly<Record<string, Decision | Rules>> {
  const network = decided(allowed.network);
  return {
    '*': decided(allowed.mcp),
    ...Object.fromEntries(
      ['read', 'glob', 'grep', 'list', 'lsp', 'todowrite', 'todoread'].map(tool => [tool, 'allow']),
    ),
    // Inside the worktree only, also when reading outside is allowed.
    edit: readOnly ? 'deny' : {'*': 'allow', '../*': 'deny', '/*': 'deny'},
    bash: allowed.bash === 'any' && !readOnly ? 'allow' : shellRules(allowed.bashPatterns),
    webfetch: network,
    websearch: network,
    codesearch: network,
    // What agents of its own use does not appear in what it reports.
    task: decided(allowed.spawn),
    external_directory: decided(allowed.readOutside),
    doom_loop: 'deny',
    question: 'deny',
  };
}

function shellRules(patterns: readonly string[]): Rules {
  return {
    '*': 'deny',
    ...Object.fromEntries(LOOKING_COMMANDS.flatMap(command => [command, `${command} *`]).map(form => [form, 'allow'])),
    // With these, looking would write a file anywhere.
    '*>*': 'deny',
    '*--output*': 'deny',
    ...Object.fromEntries(patterns.map(pattern => [pattern, 'allow'])),
  };
}

function decided(allowed: boolean): Decision {
  return allowed ? 'allow' : 'deny';
}
