import {errors} from 'jose';
import {formatDuration} from '../../base/duration.ts';
import {fail} from '../../base/result.ts';

/** Why a token is not taken; the codes are those of the hub's protocol. */
export interface TokenFailure {
  readonly code: 'token-invalid' | 'token-expired' | 'token-revoked';
  readonly message: string;
}

/** What the library's errors mean to whoever sent the token. Throws what is none of them on. */
export function failureOf(error: unknown, nowMs: number): TokenFailure {
  if (error instanceof errors.JWTExpired) {
    const {exp} = error.payload;
    return {code: 'token-expired', message: expiredText(nowMs - (exp ?? 0) * 1000)};
  }
  if (error instanceof errors.JWSSignatureVerificationFailed) {
    return {code: 'token-invalid', message: 'The signature of the token is not by the key it names'};
  }
  if (error instanceof errors.JWTClaimValidationFailed) {
    return {
      code: 'token-invalid',
      message: `The token is not for this hub or not yet good: its "${error.claim}" is ${error.reason}`,
    };
  }
  if (error instanceof errors.JOSEError || error instanceof TypeError) {
    return {code: 'token-invalid', message: 'The token is no signed JSON Web Token'};
  }
  throw error;
}

export function expiredText(agoMs: number): string {
  return `The token expired ${formatDuration(Math.max(0, agoMs))} ago: get another`;
}

export function unknownKeyText(keyId: string): string {
  return `The token was signed by the key ${shown(keyId)}, which this hub does not know or no longer takes: get another`;
}

export function invalid(message: string): {readonly ok: false; readonly failure: TokenFailure} {
  return fail({code: 'token-invalid', message});
}

/** What a stranger has sent, short and on one line. */
export function shown(value: unknown): string {
  return JSON.stringify(String(value).slice(0, 40));
}
