import type {Alarms} from './alarms.ts';
import {HubError} from './hub-error.ts';
import {promised} from './promised.ts';
import {within} from './within.ts';

/** A token, or how to get one: a function is asked again for each connection, and before the token of a live one expires. */
export type HubToken =
  | string
  | ((who: {readonly agentId: string; readonly tenantId: string}) => string | Promise<string>);

/** Of a token's life so much may be left when a new one is asked for, and at least and at most so many milliseconds. */
const LEFT_SHARE = 0.1;
const LEAST_LEFT_MS = 500;
const MOST_LEFT_MS = 60_000;

/** In how many milliseconds a new token is to be asked for. */
export function refreshInMs(leftMs: number): number {
  const spare = Math.min(MOST_LEFT_MS, Math.max(LEAST_LEFT_MS, leftMs * LEFT_SHARE));
  return Math.max(0, leftMs - spare);
}

/** How long a function may take to get a token, in milliseconds. */
const GET_MS = 30_000;

/** Rejects with a HubError `no-token` when the function throws, gives none or takes too long, and with the signal's reason. */
export async function readToken(
  token: HubToken,
  {
    who,
    alarms,
    signal,
  }: {who: {readonly agentId: string; readonly tenantId: string}; alarms: Alarms; signal: AbortSignal},
): Promise<string> {
  if (typeof token === 'string') return token;
  const why = () => new HubError('no-token', `The function for the token gave none within ${GET_MS} ms`);
  const getting = promised(() => token({agentId: who.agentId, tenantId: who.tenantId}));
  let given: unknown;
  try {
    given = await within(getting, {ms: GET_MS, alarms, signal, why});
  } catch (error) {
    if (error instanceof HubError) throw error;
    const detail = error instanceof Error ? error.message : String(error);
    throw new HubError('no-token', `The token could not be had: ${detail}`, {cause: error});
  }
  if (typeof given === 'string' && given !== '') return given;
  throw new HubError('no-token', 'The function for the token gave none');
}

/** What a JSON Web Token says, unverified: only the hub can do that. Null: it is none, or does not say. */
export function unverifiedClaims(token: string): {
  readonly agentId: string | null;
  readonly expiresAtMs: number | null;
} {
  const claims = payloadOf(token);
  const {sub, exp} = typeof claims === 'object' && claims !== null ? (claims as {sub?: unknown; exp?: unknown}) : {};
  return {
    agentId: typeof sub === 'string' && sub !== '' ? sub : null,
    expiresAtMs: typeof exp === 'number' ? exp * 1000 : null,
  };
}

function payloadOf(token: string): unknown {
  try {
    return JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString());
  } catch {
    // It is no JSON Web Token.
    return null;
  }
}
