import {realpathSync} from 'node:fs';
import {homedir} from 'node:os';
import {basename, dirname, join, resolve} from 'node:path';
import {type PiPolicy, REFUSAL, type ToolCall, refusalOf} from './policy.ts';

/** The part of pi's interface for extensions that is used here. */
interface Pi {
  on(event: 'tool_call', handler: (call: ToolCall) => {block: true; reason: string} | undefined): void;
}

/** Loaded by pi. Without a policy it refuses everything: pi takes an exception for a refusal. */
export default function guard(pi: Pi): void {
  // Written by our own side of the process.
  const policy = JSON.parse(process.env['GODEL_PI_POLICY'] ?? 'null') as PiPolicy | null;
  pi.on('tool_call', call => {
    if (policy === null) return {block: true, reason: `${REFUSAL}it was started without a policy`};
    const refusal = refusalOf(call, policy, path => realPath(resolve(policy.cwd, asPiReads(path))));
    return refusal === null ? undefined : {block: true, reason: REFUSAL + refusal};
  });
}

/** pi drops an `@` in front, knows `~`, and takes wide spaces for spaces. */
function asPiReads(path: string): string {
  const plain = path.replace(/^@/, '').replaceAll(/[\u00A0\u2000-\u200A\u202F\u205F\u3000]/g, ' ');
  return plain === '~' || plain.startsWith('~/') ? homedir() + plain.slice(1) : plain;
}

/** Links are followed in the part that exists; the rest is what a write would create. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    const folder = dirname(path);
    return folder === path ? path : join(realPath(folder), basename(path));
  }
}
