import {hash, randomUUID} from 'node:crypto';
import {join} from 'node:path';
import {decodeProtectedHeader, jwtVerify, SignJWT} from 'jose';
import {formatDuration, parseDuration} from '../../base/duration.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import {HUB_ROLES, type HubIdentity, type HubRole} from '../../model/hub.ts';
import {newTenantSecret, openForTenant, readTenantSecret, sealForTenant, type TenantSecret} from './end-to-end.ts';
import {checkName} from './names.ts';
import {createPrivateFile, readPrivateFile} from './private-file.ts';
import type {IssuedToken} from './issued-tokens.ts';
import type {TokenKey} from './token-key.ts';
import {isHubRole, readClaims} from './token-claims.ts';
import {expiredText, failureOf, invalid, shown, type TokenFailure, unknownKeyText} from './token-failure.ts';
import {MAX_TOKEN_LIFETIME_MS, TokenKeys} from './token-keys.ts';
import {type VerifiedToken, VerifiedTokens} from './verified-tokens.ts';

export interface TokenOptions {
  readonly role?: HubRole;
  /** A duration such as `1h` or `30d`, or milliseconds; 90 days at most. */
  readonly expiresIn?: string | number;
  /** Not taken before this wall time (Unix epoch, milliseconds). */
  readonly notBeforeMs?: number;
}

export interface SecurityOptions {
  readonly keys: TokenKeys;
  /** The name of the hub: tokens for another hub are refused. */
  readonly hubId: string;
  readonly issuer?: string;
  /** What `encryptData` seals with. */
  readonly dataSecret?: TenantSecret;
  /** How far the clock of whoever made a token may be ahead, in milliseconds. */
  readonly clockSkewMs?: number;
  /** As many verified tokens are remembered. */
  readonly cacheSize?: number;
  /** Wall time; for tests. */
  readonly now?: () => number;
}

/** As long as a token may be in a `hello`, in characters. */
const MAX_TOKEN = 8192;

/** The type in the header, so that no token made for something else is taken for one of ours (RFC 8725, 3.11). */
const TYPE = 'godel-hub+jwt';

/** How long what other processes have revoked or added may go unseen, in milliseconds. */
const RECHECK_MS = 1000;

/** How often strangers who name a key that is not there may make us look for it, in milliseconds. */
const UNKNOWN_KEY_MS = 50;

/**
 * Makes and verifies the tokens that say who somebody is at the hub. A token is verified in full once (Ed25519 or HMAC-SHA-256) and
 * after that by its hash, for as long as it has neither expired nor been revoked nor its key has ended.
 */
export class SecurityManager {
  readonly #keys: TokenKeys;
  readonly #hubId: string;
  readonly #issuer: string;
  readonly #dataSecret: TenantSecret | null;
  readonly #clockSkewMs: number;
  readonly #now: () => number;
  readonly #verified: VerifiedTokens;
  /** What the identities that were handed out rest on. */
  readonly #origins = new WeakMap<HubIdentity, VerifiedToken>();
  #checkedAtMs = Number.NEGATIVE_INFINITY;
  /** What was thrown when the key files were read last. */
  #unreadable: {readonly error: unknown} | null = null;

  constructor(options: SecurityOptions) {
    const {keys, hubId, issuer = 'godel', clockSkewMs = 30_000, cacheSize = 10_000, now = Date.now} = options;
    checkName(hubId, 'The id of the hub');
    checkName(issuer, 'The issuer');
    if (!(clockSkewMs >= 0 && clockSkewMs <= 600_000)) {
      throw new RangeError(`clockSkewMs is ${clockSkewMs}: use 0 to 600000`);
    }
    this.#keys = keys;
    this.#hubId = hubId;
    this.#issuer = issuer;
    this.#dataSecret = options.dataSecret ?? null;
    this.#clockSkewMs = clockSkewMs;
    this.#now = now;
    this.#verified = new VerifiedTokens(cacheSize);
  }

  /**
   * With the keys and the data secret of a folder, both made when there are none. Throws with the fix when others may read them.
   */
  static open(folder: string, options: Omit<SecurityOptions, 'keys' | 'dataSecret'>): SecurityManager {
    const keys = TokenKeys.open(folder);
    const file = join(folder, 'data-secret');
    // Of several that make one, one is kept, and all read that.
    createPrivateFile(file, `${newTenantSecret()}\n`);
    return new SecurityManager({...options, keys, dataSecret: readTenantSecret(readPrivateFile(file) ?? '')});
  }

  /** Seals a text for a tenant; it opens under the same tenant only. Throws when there is no data secret. */
  encryptData(plaintext: string, tenantId: string): string {
    checkName(tenantId, 'The name of the tenant');
    return sealForTenant(this.#secret, plaintext, ['godel-data', tenantId]);
  }

  /** What `encryptData` has sealed. Fails when it was changed or is another tenant's or another secret's. */
  decryptData(sealed: string, tenantId: string): Result<string, {readonly code: 'tampered'; readonly message: string}> {
    checkName(tenantId, 'The name of the tenant');
    const plain = openForTenant(this.#secret, sealed, ['godel-data', tenantId]);
    if (plain !== null) return ok(plain);
    return fail({
      code: 'tampered',
      message: 'The data was changed, or sealed for another tenant or with another secret',
    });
  }

  get #secret(): TenantSecret {
    if (this.#dataSecret !== null) return this.#dataSecret;
    throw new Error('There is no data secret: give `dataSecret`, or open a folder that holds one');
  }

  /** A token for an agent of a tenant. Throws on names, roles and durations that are none. */
  async generateToken(agentId: string, tenantId: string, options: TokenOptions = {}): Promise<string> {
    return (await this.#sign({agentId, tenantId}, options)).token;
  }

  /** Like `generateToken`, for a token that is given out by hand: it is remembered, without the token, until it expires. */
  async issueToken(
    who: {readonly agentId: string; readonly tenantId: string},
    options: TokenOptions = {},
  ): Promise<IssuedToken & {readonly token: string}> {
    const issued = await this.#sign(who, options);
    const {token, ...facts} = issued;
    this.#keys.record(facts);
    return {...facts, token};
  }

  /** Whose token this is, or why it is not taken. Identity, tenant and role come from nowhere else. Rejects
   * on no token whatever, but when the key files can no longer be read. */
  async verifyToken(token: string): Promise<Result<HubIdentity, TokenFailure>> {
    if (typeof token !== 'string' || token === '')
      return invalid('The token is empty: get one with godel hub token create');
    if (token.length > MAX_TOKEN)
      return invalid(`The token is longer than ${MAX_TOKEN} characters, as none of ours is`);
    this.#recheck();
    const tokenHash = hash('sha256', token, 'base64');
    const known = this.#verified.get(tokenHash);
    if (known !== undefined) return this.#judge(known);
    const verified = await this.#verify(token);
    if (!verified.ok) return verified;
    this.#verified.set(tokenHash, verified.value);
    this.#origins.set(verified.value.identity, verified.value);
    return this.#judge(verified.value);
  }

  /**
   * Whether an identity that `verifyToken` has given is still good, for connections that stay. Throws on an identity from elsewhere.
   */
  recheck(identity: HubIdentity): Result<HubIdentity, TokenFailure> {
    const origin = this.#origins.get(identity);
    if (origin === undefined) throw new TypeError('Internal error: this identity was not verified here');
    this.#recheck();
    return this.#judge(origin);
  }

  /** What may have changed since the signature was verified. */
  #judge({identity, keyId, marks}: VerifiedToken): Result<HubIdentity, TokenFailure> {
    const nowMs = this.#now();
    if (nowMs >= identity.expiresAtMs) {
      return fail({code: 'token-expired', message: expiredText(nowMs - identity.expiresAtMs)});
    }
    if (this.#keys.verifying(keyId, nowMs) === null) return invalid(unknownKeyText(keyId));
    if (this.#keys.revocations.refuses(marks)) {
      return fail({
        code: 'token-revoked',
        message: `The token of ${identity.agentId} was revoked: ask for another with godel hub token create`,
      });
    }
    return ok(identity);
  }

  async #verify(token: string): Promise<Result<VerifiedToken, TokenFailure>> {
    const nowMs = this.#now();
    try {
      const {kid, alg} = decodeProtectedHeader(token);
      if (typeof kid !== 'string') return invalid('The token names no key (kid): it is none of this hub');
      const key = this.#keyNamed(kid, nowMs);
      if (key === null) return invalid(unknownKeyText(kid));
      if (alg !== key.algorithm) {
        return invalid(`The token says ${shown(alg)} and its key is for ${key.algorithm} only`);
      }
      const {payload} = await jwtVerify(token, key.verifying, {
        algorithms: [key.algorithm],
        typ: TYPE,
        issuer: this.#issuer,
        audience: this.#hubId,
        requiredClaims: ['sub', 'tenant', 'role', 'jti', 'iat', 'nbf', 'exp'],
        clockTolerance: this.#clockSkewMs / 1000,
        currentDate: new Date(nowMs),
      });
      const {iat = 0, exp = 0} = payload;
      if (iat * 1000 > nowMs + this.#clockSkewMs)
        return invalid('The token was made in the future: set the clocks right');
      if (exp * 1000 > nowMs + MAX_TOKEN_LIFETIME_MS + this.#clockSkewMs) {
        return invalid(`The token lives longer than ${formatDuration(MAX_TOKEN_LIFETIME_MS)}, which is the most`);
      }
      const read = readClaims(payload, key.id);
      return 'problem' in read ? invalid(`The token is not usable: ${read.problem}`) : ok(read.token);
    } catch (error) {
      return fail(failureOf(error, nowMs));
    }
  }

  /** A key that is not known may have been added by another process a moment ago. */
  #keyNamed(id: string, nowMs: number): TokenKey | null {
    const known = this.#keys.verifying(id, nowMs);
    if (known !== null || Math.abs(nowMs - this.#checkedAtMs) < UNKNOWN_KEY_MS) return known;
    this.#refresh(nowMs);
    return this.#keys.verifying(id, nowMs);
  }

  async #sign(
    {agentId, tenantId}: {readonly agentId: string; readonly tenantId: string},
    {role = 'worker', expiresIn = '1h', notBeforeMs}: TokenOptions,
  ): Promise<IssuedToken & {readonly token: string}> {
    checkName(agentId, 'The name of the agent');
    checkName(tenantId, 'The name of the tenant');
    if (!isHubRole(role)) throw new TypeError(`The role is ${shown(role)}: use one of ${HUB_ROLES.join(', ')}`);
    const lifetimeMs = lifetimeOf(expiresIn);
    this.#keys.refresh();
    const key = this.#keys.signing;
    const issuedAtS = Math.floor(this.#now() / 1000);
    const expiresAtS = Math.ceil((this.#now() + lifetimeMs) / 1000);
    const notBeforeS = notBeforeMs === undefined ? issuedAtS : Math.floor(notBeforeMs / 1000);
    if (!(notBeforeS < expiresAtS))
      throw new RangeError('notBeforeMs lies behind the end of the token: let it live longer');
    const tokenId = randomUUID();
    const token = await new SignJWT({tenant: tenantId, role})
      .setProtectedHeader({alg: key.algorithm, kid: key.id, typ: TYPE})
      .setIssuer(this.#issuer)
      .setAudience(this.#hubId)
      .setSubject(agentId)
      .setJti(tokenId)
      .setIssuedAt(issuedAtS)
      .setNotBefore(notBeforeS)
      .setExpirationTime(expiresAtS)
      .sign(key.signing);
    return {tokenId, agentId, tenantId, role, issuedAtMs: issuedAtS * 1000, expiresAtMs: expiresAtS * 1000, token};
  }

  #recheck(): void {
    const nowMs = this.#now();
    // Also when the clock was set back.
    if (Math.abs(nowMs - this.#checkedAtMs) >= RECHECK_MS) this.#refresh(nowMs);
    // For everybody who asks, and not just for the one for whom the files were looked at.
    else if (this.#unreadable !== null) throw this.#unreadable.error;
  }

  #refresh(nowMs: number): void {
    this.#checkedAtMs = nowMs;
    try {
      this.#keys.refresh();
      this.#unreadable = null;
    } catch (error) {
      this.#unreadable = {error};
      throw error;
    }
  }
}

function lifetimeOf(expiresIn: string | number): number {
  const ms = typeof expiresIn === 'number' ? expiresIn : parseDuration(expiresIn);
  if (ms !== null && ms >= 1000 && ms <= MAX_TOKEN_LIFETIME_MS) return ms;
  throw new RangeError(`expiresIn is ${shown(expiresIn)}: use a duration from 1s to 90d, such as 1h`);
}
