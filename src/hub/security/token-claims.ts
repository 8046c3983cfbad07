import {HUB_ROLES, type HubIdentity, type HubRole} from '../../model/hub.ts';
import {nameProblem} from './names.ts';
import {agentMark, tokenMark} from './revocations.ts';
import type {VerifiedToken} from './verified-tokens.ts';

/** Reads the claims of a token whose signature, issuer, audience and times are good, or says what is wrong with them. */
export function readClaims(
  payload: Readonly<Record<string, unknown>>,
  keyId: string,
): {readonly token: VerifiedToken} | {readonly problem: string} {
  const {sub: agentId, tenant: tenantId, role, jti: tokenId, iat, exp} = payload;
  const agentProblem = nameProblem(agentId);
  if (agentProblem !== null || typeof agentId !== 'string') return {problem: `its agent (sub) ${agentProblem ?? ''}`};
  const tenantProblem = nameProblem(tenantId);
  if (tenantProblem !== null || typeof tenantId !== 'string') return {problem: `its tenant ${tenantProblem ?? ''}`};
  const idProblem = nameProblem(tokenId);
  if (idProblem !== null || typeof tokenId !== 'string') return {problem: `its id (jti) ${idProblem ?? ''}`};
  if (!isHubRole(role)) return {problem: `its role is none of ${HUB_ROLES.join(', ')}`};
  if (typeof iat !== 'number' || typeof exp !== 'number')
    return {problem: 'it says not when it was made and when it ends'};
  const identity: HubIdentity = Object.freeze({agentId, tenantId, role, tokenId, expiresAtMs: Math.floor(exp * 1000)});
  return {
    token: {
      identity,
      keyId,
      marks: {token: tokenMark(tokenId), agent: agentMark(identity), issuedAtS: Math.floor(iat)},
    },
  };
}

export function isHubRole(value: unknown): value is HubRole {
  return HUB_ROLES.some(role => role === value);
}
