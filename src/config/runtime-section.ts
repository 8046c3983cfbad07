import {parseSize} from '../base/size.ts';
import type {CustomRuntime} from '../model/agent-settings.ts';
import type {ConfigEntry, ConfigNodes} from './config-nodes.ts';

const KEYS = ['command', 'prompt-by', 'output', 'fields', 'secrets', 'provider', 'memory'] as const;
const OUTPUTS = ['text', 'json', 'json-lines', 'acp'] as const;
const PROMPT_BY = ['argument', 'stdin'] as const;
/** As they are written, and as they are called in `CustomRuntime`. */
const FIELDS = {
  text: 'text',
  session: 'session',
  'input-tokens': 'inputTokens',
  'output-tokens': 'outputTokens',
  usd: 'usd',
  error: 'error',
} as const satisfies Record<string, keyof CustomRuntime['fields']>;

/** Those that godel knows by itself; a second one of the same name would never be used. */
const TAKEN = ['command', 'claude', 'codex', 'gemini', 'opencode', 'pi', 'acp'];
const NAME = /^[a-z][a-z0-9-]{0,49}$/;
const VARIABLE = /^[A-Za-z_]\w{0,199}$/;
const PROVIDER = /^[\w.-]{1,100}$/;
const FIELD = /^[\w-]+(\.[\w-]+)*$/;
const PROMPT = '{prompt}';
const HINT = 'For example `runtimes: {mine: {command: [my-agent, --print, "{prompt}"]}}`; see docs/configuration.md.';

/** A coding agent that is known only from the configuration. Null: something is wrong with it, which is reported. */
export function readRuntime(nodes: ConfigNodes, {key: name, keyNode, value}: ConfigEntry): CustomRuntime | null {
  return new RuntimeSection(nodes, name).read(keyNode, value ?? keyNode);
}

class RuntimeSection {
  readonly #nodes: ConfigNodes;
  readonly #name: string;

  constructor(nodes: ConfigNodes, name: string) {
    this.#nodes = nodes;
    this.#name = name;
  }

  read(keyNode: unknown, node: unknown): CustomRuntime | null {
    const before = this.#nodes.problems.length;
    this.#checkName(keyNode);
    const found = this.#nodes.known(node, {what: `runtimes.${this.#name}`, keys: KEYS, hint: HINT});
    const isFaulty = this.#nodes.problems.length > before;
    if (found.command === undefined && !isFaulty) this.#report(keyNode, 'command is missing');
    const command = this.#texts(found.command, /[^]/) ?? [];
    const output = this.#oneOf(found.output, OUTPUTS) ?? 'text';
    const hasPrompt = command.some(word => word.includes(PROMPT));
    const promptBy = this.#oneOf(found['prompt-by'], PROMPT_BY) ?? (hasPrompt ? 'argument' : 'stdin');
    if (promptBy === 'argument' && !hasPrompt && output !== 'acp' && found.command !== undefined) {
      this.#report(found.command.value, `command has no "${PROMPT}" to put the prompt in`);
    }
    const fields = this.#fields(found.fields);
    if (found.fields !== undefined && output !== 'json' && output !== 'json-lines') {
      this.#report(found.fields.keyNode, `fields are read only from output json or json-lines, not from ${output}`);
    }
    const runtime = {
      name: this.#name,
      command,
      promptBy,
      output,
      fields,
      secrets: this.#texts(found.secrets, VARIABLE) ?? [],
      provider: this.#text(found.provider, PROVIDER),
      memoryBytes: this.#size(found.memory),
    };
    return this.#nodes.problems.length > before ? null : runtime;
  }

  #checkName(keyNode: unknown): void {
    if (TAKEN.includes(this.#name)) this.#report(keyNode, 'godel has a runtime of this name already');
    else if (!NAME.test(this.#name)) this.#report(keyNode, 'a name of small letters, digits and "-" is expected');
  }

  #fields(entry: ConfigEntry | undefined): CustomRuntime['fields'] {
    if (entry === undefined) return {};
    const what = `runtimes.${this.#name}.fields`;
    const keys = Object.keys(FIELDS) as (keyof typeof FIELDS)[]; // The keys of a constant are its own.
    const found = this.#nodes.known(entry.value ?? entry.keyNode, {what, keys, hint: 'For example `text: result`.'});
    const fields = keys.flatMap(key => {
      const path = this.#text(found[key], FIELD);
      return path === null ? [] : [[FIELDS[key], path] as const];
    });
    return Object.fromEntries(fields);
  }

  #texts(entry: ConfigEntry | undefined, pattern: RegExp): readonly string[] | null {
    if (entry === undefined) return null;
    const items = this.#nodes.items(entry.value ?? entry.keyNode, `${this.#at(entry)}: a list`, HINT);
    if (items?.length === 0) this.#report(entry.value, `${entry.key} is empty`);
    return items?.flatMap(item => this.#textOf(item, entry, pattern) ?? []) ?? null;
  }

  #text(entry: ConfigEntry | undefined, pattern: RegExp): string | null {
    return entry === undefined ? null : this.#textOf(entry.value ?? entry.keyNode, entry, pattern);
  }

  #textOf(node: unknown, entry: ConfigEntry, pattern: RegExp): string | null {
    const written = this.#nodes.valueOf(node);
    if (typeof written === 'string' && pattern.test(written)) return written;
    this.#nodes.report(node, `${this.#at(entry)}: ${show(written)} cannot be used here`, HINT);
    return null;
  }

  #oneOf<T extends string>(entry: ConfigEntry | undefined, values: readonly T[]): T | null {
    if (entry === undefined) return null;
    const written = this.#nodes.valueOf(entry.value);
    const value = values.find(each => each === written);
    if (value === undefined) {
      const hint = `It is one of ${values.join(', ')}.`;
      this.#nodes.report(entry.value ?? entry.keyNode, `${this.#at(entry)}: ${show(written)} is unknown`, hint);
    }
    return value ?? null;
  }

  #size(entry: ConfigEntry | undefined): number | null {
    if (entry === undefined) return null;
    const written = this.#nodes.valueOf(entry.value);
    const bytes = typeof written === 'string' || typeof written === 'number' ? parseSize(String(written)) : null;
    if (bytes !== null && bytes > 0) return bytes;
    this.#nodes.report(entry.value ?? entry.keyNode, `${this.#at(entry)}: ${show(written)} is not a size`, HINT);
    return null;
  }

  #at({key}: ConfigEntry): string {
    return `runtimes.${this.#name}.${key}`;
  }

  #report(node: unknown, message: string): void {
    this.#nodes.report(node, `runtimes.${this.#name}: ${message}`, HINT);
  }
}

function show(written: unknown): string {
  return written === undefined ? 'nothing' : JSON.stringify(written);
}
