import type {Allowances} from './allow.ts';
import {LOOKING_COMMANDS} from './looking-commands.ts';

/** Above the rules that come with Gemini CLI; the user's own administrator is above these. */
const PRIORITY = 500;
const SHELL = 'run_shell_command';

/** The rules for its tools as a policy file of Gemini CLI. What they leave to be asked is denied: nobody is there. */
export function geminiPolicy(allowed: Allowances, readOnly: boolean): string {
  const any = allowed.bash === 'any' && !readOnly;
  return [
    ...(any ? [rule({toolName: SHELL, allowRedirection: true}, 'allow')] : shellRules(allowed.bashPatterns)),
    rule({toolName: ['web_fetch', 'google_web_search']}, allowed.network ? 'allow' : 'deny'),
    rule({toolName: '*', mcpName: '*'}, allowed.mcp ? 'allow' : 'deny'),
  ].join('\n');
}

function shellRules(patterns: readonly string[]): readonly string[] {
  return [
    rule({toolName: SHELL, commandPrefix: LOOKING_COMMANDS}, 'allow'),
    // With this, looking would write a file anywhere.
    rule({toolName: SHELL, commandRegex: '.*--output'}, 'deny', PRIORITY + 1),
    ...patterns.map(pattern => rule({toolName: SHELL, commandRegex: regexOf(pattern)}, 'allow', PRIORITY + 2)),
  ];
}

/** It is matched against the arguments as JSON, from the command's first character: a quote stands behind its last. */
function regexOf(pattern: string): string {
  const parts = pattern.split('*').map(part =>
    JSON.stringify(part)
      .slice(1, -1)
      .replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&'),
  );
  return `${parts.join('.*')}"`;
}

type Value = string | boolean | readonly string[];

function rule(match: Readonly<Record<string, Value>>, decision: 'allow' | 'deny', priority = PRIORITY): string {
  const lines = Object.entries({...match, decision, priority}).map(
    ([key, value]) => `${key} = ${JSON.stringify(value)}`,
  );
  return `[[rule]]\n${lines.join('\n')}\n`;
}
