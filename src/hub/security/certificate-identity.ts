import {X509Certificate} from 'node:crypto';
import {fail, ok, type Result} from '../../base/result.ts';
import type {HubIdentity, HubRole} from '../../model/hub.ts';
import {nameProblem} from './names.ts';
import {isHubRole} from './token-claims.ts';

export interface CertificateFailure {
  readonly code: 'token-invalid';
  readonly message: string;
}

/** Who a certificate is for, as its subject alternative name says it: `godel://TENANT/AGENT?role=ROLE`, percent-encoded. */
export function identityUri(who: {
  readonly agentId: string;
  readonly tenantId: string;
  readonly role: HubRole;
}): string {
  return `godel://${encoded(who.tenantId)}/${encoded(who.agentId)}?role=${who.role}`;
}

/** What a certificate is called where tokens have their id. */
export function certificateTokenId(serial: string): string {
  return `certificate:${serial.toLowerCase()}`;
}

/**
 * Who the other side of a TLS connection is. Reads what the certificate says and does not ask who signed it: only for a connection that is
 * `authorized`. Fails on a certificate without exactly one `godel:` name.
 */
export function identityOfCertificate(peer: {readonly raw?: Uint8Array}): Result<HubIdentity, CertificateFailure> {
  if (peer.raw === undefined) return refused('The client has no certificate: get one with godel hub cert issue');
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(peer.raw);
  } catch {
    return refused('The certificate cannot be read');
  }
  const names = certificate.subjectAltName ?? '';
  // Node quotes a name that could be taken for several; none of ours is such.
  const uris = names.includes('"') ? [] : names.split(', ').flatMap(name => /^URI:(godel:.*)$/.exec(name)?.[1] ?? []);
  const [uri] = uris;
  if (uri === undefined || uris.length > 1) {
    return refused(
      'The certificate names no agent of one tenant (godel://TENANT/AGENT): get one with godel hub cert issue',
    );
  }
  const who = parse(uri);
  if (who === null) return refused('The name in the certificate is none that godel hub cert issue has written');
  const expiresAtMs = Date.parse(certificate.validTo);
  return ok(Object.freeze({...who, tokenId: certificateTokenId(certificate.serialNumber), expiresAtMs}));
}

/** Whether two proofs are of the same agent of the same tenant, for connections that show a certificate and a token. */
export function isSameAgent(one: HubIdentity, other: HubIdentity): boolean {
  return one.agentId === other.agentId && one.tenantId === other.tenantId;
}

/** As RFC 3986 has it: quotes, parentheses and the like are encoded, too. */
function encoded(name: string): string {
  return encodeURIComponent(name).replaceAll(/[!'()*]/g, each => `%${each.charCodeAt(0).toString(16).toUpperCase()}`);
}

function parse(uri: string): {agentId: string; tenantId: string; role: HubRole} | null {
  const [, tenant, agent, role] = /^godel:\/\/([^/?#]+)\/([^/?#]+)\?role=([a-z]+)$/.exec(uri) ?? [];
  if (tenant === undefined || agent === undefined || !isHubRole(role)) return null;
  let who: {agentId: string; tenantId: string; role: HubRole};
  try {
    who = {agentId: decodeURIComponent(agent), tenantId: decodeURIComponent(tenant), role};
  } catch {
    // Not percent-encoded as it must be.
    return null;
  }
  if (nameProblem(who.agentId) !== null || nameProblem(who.tenantId) !== null) return null;
  // One identity has one text.
  return identityUri(who) === uri ? who : null;
}

function refused(message: string): {readonly ok: false; readonly failure: CertificateFailure} {
  return fail({code: 'token-invalid', message});
}
