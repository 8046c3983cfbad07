import type {MemoryDraft} from '../api/memory-contract.ts';
import {GodelError} from '../model/failure.ts';
import type {Cli} from './cli.ts';

export interface DraftOptions {
  readonly task?: string;
  readonly input?: string;
  readonly output?: string;
  readonly critique?: string;
  readonly reward?: number;
  readonly failed?: true;
  readonly tag?: readonly string[];
}

/** As much is read of standard input. */
const MAX_BYTES = 4 * 1024 * 1024;

/** The memory that is meant: of options, or of a JSON object on standard input that has the same. */
export async function readDraft(cli: Cli, source: string | undefined, options: DraftOptions): Promise<MemoryDraft> {
  if (source !== undefined && source !== '-') {
    const hint = 'Use --task TEXT with --output, --critique and so on, or `-` for JSON on standard input.';
    throw usage(`${source}: only \`-\` may stand here`, hint);
  }
  if (source === '-') return fromStdin(cli, options);
  const {task, input, output, critique, failed, tag} = options;
  if (task === undefined || task.trim() === '') throw usage('A memory is of a task', 'Say which with --task TEXT.');
  return {
    task,
    ...(input !== undefined && {input}),
    ...(output !== undefined && {output}),
    ...(critique !== undefined && {critique}),
    reward: options.reward ?? (failed ? 0 : 1),
    ...(failed === true && {success: false}),
    ...(tag !== undefined && {tags: tag}),
  };
}

async function fromStdin(cli: Cli, options: DraftOptions): Promise<MemoryDraft> {
  if (Object.keys(options).some(key => DRAFT_KEYS.has(key))) {
    throw usage('`-` reads the whole memory from standard input', 'Leave the options out, or the `-`.');
  }
  if (cli.stdin.isTTY) throw usage('`-` reads standard input, which is a terminal', 'Pipe a JSON object into it.');
  const text = await readAll(cli);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    throw usage('What stands on standard input is not JSON', EXAMPLE);
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw usage('What stands on standard input is no JSON object', EXAMPLE);
  }
  // The daemon checks the rest, field by field.
  return {reward: 1, ...value} as unknown as MemoryDraft;
}

async function readAll({stdin}: Cli): Promise<string> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes = Buffer.from(chunk as Buffer);
    size += bytes.length;
    if (size > MAX_BYTES) throw usage(`Standard input has more than ${MAX_BYTES / 2 ** 20} MiB`, EXAMPLE);
    chunks.push(bytes);
  }
  return Buffer.concat(chunks).toString('utf8');
}

const DRAFT_KEYS: ReadonlySet<string> = new Set(['task', 'input', 'output', 'critique', 'reward', 'failed', 'tag']);
const EXAMPLE = 'For example {"task": "build the parser", "output": "use make -j2", "reward": 0.9, "tags": ["make"]}.';

function usage(message: string, hint: string): GodelError {
  return new GodelError({reason: 'usage', message, hint});
}
