import {type Result, fail, ok} from '../base/result.ts';
import {similarTo} from '../base/similar.ts';

/** What people may write after `--allow`, besides `bash:PATTERN` and `secret:NAME`. */
const PLAIN = ['bash', 'network', 'read-outside', 'mcp', 'spawn', 'all'] as const;
const FORMS = [...PLAIN, 'bash:PATTERN', 'secret:NAME'];

/** One explicit permission. */
export type Allowance =
  | {readonly kind: (typeof PLAIN)[number]}
  | {readonly kind: 'bash-pattern'; readonly pattern: string}
  | {readonly kind: 'secret'; readonly name: string};

/** What agents may do beyond reading and writing files in their worktree, and looking at its git state. */
export interface Allowances {
  /** Shell commands: none but the harmless ones, those that match a pattern (`npm test*`), or any. */
  readonly bash: 'some' | 'any';
  readonly bashPatterns: readonly string[];
  /** Fetching pages and searching the web. */
  readonly network: boolean;
  readonly readOutside: boolean;
  /** Tool servers that the user or the project has configured. */
  readonly mcp: boolean;
  /** Starting godel teams of its own. */
  readonly spawn: boolean;
  /** Environment variables with secrets, on top of those that the runtime needs. */
  readonly secrets: readonly string[];
}

/** Reads one `--allow` value. The failure is a sentence that says what was meant, if that can be guessed. */
export function parseAllowance(text: string): Result<Allowance, string> {
  const plain = PLAIN.find(kind => kind === text);
  if (plain !== undefined) return ok({kind: plain});
  const colon = text.indexOf(':');
  const [kind, rest] = colon < 0 ? [text, ''] : [text.slice(0, colon), text.slice(colon + 1).trim()];
  if (kind === 'bash') return bashPattern(rest);
  if (kind === 'secret') return secret(rest);
  const similar = similarTo(kind, [...PLAIN, 'secret']).map(name => `\`${name}\``);
  const hint = similar.length === 0 ? `known are ${FORMS.join(', ')}` : `did you mean ${similar.join(' or ')}?`;
  return fail(`\`${text}\` is no permission: ${hint}`);
}

/** What a list of permissions comes to. Those that cannot be read allow nothing; they are refused where they enter. */
export function allowances(list: readonly string[]): Allowances {
  const parsed = list.map(parseAllowance).flatMap(result => (result.ok ? [result.value] : []));
  const all = parsed.some(({kind}) => kind === 'all');
  const has = (kind: Allowance['kind']) => parsed.some(allowance => allowance.kind === kind);
  return {
    bash: all || has('bash') ? 'any' : 'some',
    bashPatterns: parsed.flatMap(allowance => (allowance.kind === 'bash-pattern' ? [allowance.pattern] : [])),
    network: all || has('network'),
    readOutside: all || has('read-outside'),
    mcp: all || has('mcp'),
    // Not part of `all`: an agent that starts agents, and one that is given a secret, must be meant by name.
    spawn: has('spawn'),
    secrets: parsed.flatMap(allowance => (allowance.kind === 'secret' ? [allowance.name] : [])),
  };
}

function bashPattern(pattern: string): Result<Allowance, string> {
  if (pattern === '') return fail('`bash:` needs the commands it allows, for example `bash:npm test*`');
  // Runtimes write it into lists of rules of their own, in which these would end the rule.
  const bad = /[(),\n\r]/.exec(pattern)?.[0];
  if (bad !== undefined) return fail(`\`bash:${pattern}\` must not contain ${JSON.stringify(bad)}`);
  return ok({kind: 'bash-pattern', pattern});
}

function secret(name: string): Result<Allowance, string> {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) return ok({kind: 'secret', name});
  return fail(`\`secret:${name}\` needs the name of an environment variable, for example \`secret:NPM_TOKEN\``);
}
