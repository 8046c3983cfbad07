import {type Alarms, PROCESS_ALARMS} from './alarms.ts';
import {type HubToken, readToken, unverifiedClaims} from './hub-token.ts';
import {uuidV7} from './uuid-v7.ts';

interface Nameless {
  readonly agentId?: string;
  readonly tenantId: string;
  readonly token?: HubToken;
  readonly alarms?: Alarms;
  readonly signal?: AbortSignal;
}

/**
 * Who an agent is to be: whom it was called, or whom its token names, or somebody new. A function for tokens is asked, and what it
 * gave is used for the first connection; where it gives none now, the agent is somebody new.
 */
export async function nameAgent({agentId, tenantId, token, alarms = PROCESS_ALARMS, signal}: Nameless): Promise<{
  readonly agentId: string;
  readonly token?: HubToken;
}> {
  const made = `agent-${uuidV7()}`;
  if (agentId !== undefined || token === undefined) return {agentId: agentId ?? made, ...(token && {token})};
  if (typeof token === 'string') return {agentId: unverifiedClaims(token).agentId ?? made, token};
  const who = {agentId: made, tenantId};
  const first = await readToken(token, {who, alarms, signal: signal ?? new AbortController().signal}).catch(() => null);
  if (first === null) return {agentId: made, token};
  let unused: string | null = first;
  return {
    agentId: unverifiedClaims(first).agentId ?? made,
    token: whoNow => {
      const given = unused ?? token(whoNow);
      unused = null;
      return given;
    },
  };
}
