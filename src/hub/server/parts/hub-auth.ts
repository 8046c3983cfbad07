import {fail, ok, type Result} from '../../../base/result.ts';
import type {HubIdentity} from '../../../model/hub.ts';
import {identityOfCertificate, isSameAgent} from '../../security/certificate-identity.ts';
import type {SecurityManager} from '../../security/security-manager.ts';
import type {AuthFailure, HubAuth} from '../hub-parts.ts';

/** Whether a certificate was revoked, by its serial number in lower-case hexadecimal. */
export type IsRevoked = (serial: string) => boolean;

/** Who connects, by its token; a certificate that TLS has verified must be of the same agent of the same tenant. */
export function hubAuth(
  security: Pick<SecurityManager, 'verifyToken' | 'recheck'>,
  isRevoked: IsRevoked = () => false,
): HubAuth {
  /** The certificates that identities came with last, by serial number. */
  const serials = new WeakMap<HubIdentity, string>();
  return {
    async verify(token, certificate) {
      const verified = await security.verifyToken(token);
      if (!verified.ok || certificate === null) return verified;
      const shown = identityOfCertificate({raw: certificate});
      if (!shown.ok) return shown;
      if (!isSameAgent(shown.value, verified.value)) return otherAgent(shown.value, verified.value);
      const serial = shown.value.tokenId.replace(/^certificate:/, '');
      if (isRevoked(serial)) return revoked(verified.value);
      serials.set(verified.value, serial);
      return verified;
    },
    recheck(identity) {
      const still = security.recheck(identity);
      if (!still.ok) return still;
      const serial = serials.get(identity);
      return serial !== undefined && isRevoked(serial) ? revoked(identity) : ok(identity);
    },
  };
}

function otherAgent(shown: HubIdentity, token: HubIdentity): Result<never, AuthFailure> {
  const [one, other] = [shown, token].map(({agentId, tenantId}) => `${agentId} of ${tenantId}`);
  const message = `the certificate is of ${one}, and the token of ${other}; use those of one agent`;
  return fail({code: 'forbidden', message});
}

function revoked({agentId}: HubIdentity): Result<never, AuthFailure> {
  const message = `the certificate of ${agentId} was revoked: ask for another with godel hub cert issue`;
  return fail({code: 'token-revoked', message});
}
