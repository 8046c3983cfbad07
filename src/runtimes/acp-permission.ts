import {realpathSync} from 'node:fs';
import {basename, dirname, join, resolve} from 'node:path';
import type {JsonValue} from '../base/json.ts';
import type {AcpCall} from './acp-updates.ts';
import type {AgentRequest} from './agent-runtime.ts';
import {allowances} from './allow.ts';
import {textField} from './json-field.ts';
import {LOOKING_COMMANDS} from './looking-commands.ts';
import {type PiPolicy, refusalOf} from './pi-guard/policy.ts';

export interface AcpAnswer {
  readonly granted: boolean;
  readonly outcome: {readonly outcome: 'selected'; readonly optionId: string} | {readonly outcome: 'cancelled'};
}

interface Question {
  readonly call: AcpCall;
  /** The answers that the agent offers. */
  readonly options: readonly JsonValue[];
  readonly request: Pick<AgentRequest, 'cwd' | 'allow' | 'readOnly'>;
}

/**
 * Answers an agent's question for permission. Always for this once: what holds for the whole session is for the policy to
 * say, which is asked again. Without a fitting answer on offer the question is cancelled, which agents take for a no.
 */
export function acpPermission({call, options, request}: Question): AcpAnswer {
  const wished = mayDo(call, request);
  const kinds = wished ? ['allow_once', 'allow_always'] : ['reject_once', 'reject_always'];
  const option = kinds
    .map(kind => options.find(offered => textField(offered, 'kind') === kind))
    .find(offered => offered !== undefined);
  const optionId = textField(option, 'optionId');
  if (optionId === null) return {granted: false, outcome: {outcome: 'cancelled'}};
  return {granted: wished, outcome: {outcome: 'selected', optionId}};
}

function mayDo({kind, paths, title, command}: AcpCall, request: Question['request']): boolean {
  const allowed = allowances(request.allow);
  const policy: PiPolicy = {
    cwd: request.cwd,
    bash: allowed.bash === 'any' && !request.readOnly ? null : [...looking(), ...allowed.bashPatterns],
    readOutside: allowed.readOutside,
  };
  const refused = (toolName: string, input: Readonly<Record<string, string>>) =>
    refusalOf({toolName, input}, policy, path => realPath(resolve(request.cwd, path))) !== null;
  switch (kind) {
    case 'edit':
    case 'delete':
    case 'move':
      // What it would change must be known.
      return !request.readOnly && paths.length > 0 && !paths.some(path => refused('edit', {path}));
    case 'read':
    case 'search':
      return !paths.some(path => refused('read', {path}));
    case 'execute':
      // Gemini CLI gives the command as the title, and nothing else.
      return !refused('bash', {command: command ?? title});
    case 'fetch':
      return allowed.network;
    case 'think':
      return true;
    case 'switch_mode':
      return false;
    default:
      // Tools of tool servers have no kind.
      return allowed.mcp && !request.readOnly;
  }
}

function looking(): readonly string[] {
  return LOOKING_COMMANDS.flatMap(command => [command, `${command} *`]);
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
