import {createSecretKey, hkdfSync, type KeyObject, randomBytes} from 'node:crypto';
import {fail, ok, type Result} from '../../base/result.ts';
import type {Episode} from '../../model/episode.ts';
import {Nonces, openBytes, SEAL_OVERHEAD, sealBytes} from './seal-format.ts';

/** What every text sealed end to end begins with. */
export const SEALED_PREFIX = 'godel-sealed:1:';

const SALT = 16;

/** A secret that the agents of a tenant share and the hub does not know: 32 random bytes. */
export interface TenantSecret {
  readonly key: KeyObject;
  readonly nonces: Nonces;
}

/** A new secret as text, 43 characters. */
export function newTenantSecret(): string {
  return randomBytes(32).toString('base64url');
}

/** Throws TypeError, without repeating it, on a text that is no secret. */
export function readTenantSecret(text: string): TenantSecret {
  const trimmed = text.trim();
  const bytes = /^[\w+/-]{43}=?$/.test(trimmed) ? Buffer.from(trimmed, 'base64') : null;
  if (bytes?.length !== 32 || new Set(bytes).size < 12) {
    throw new TypeError('A tenant secret is 32 random bytes as base64: make one with openssl rand -base64 32');
  }
  return {key: createSecretKey(bytes), nonces: new Nonces()};
}

/**
 * Seals a text so that only who has the secret can read it, and only beside the same `context`. Each text gets a key of its own (HKDF with
 * a random salt), so that however many clients share a secret, no nonce is used twice under one key.
 */
export function sealForTenant(secret: TenantSecret, plaintext: string, context: readonly string[]): string {
  const salt = randomBytes(SALT);
  const sealing = {key: derived(secret, salt), version: 1, context, nonces: secret.nonces};
  const sealed = sealBytes(Buffer.from(plaintext), sealing);
  return SEALED_PREFIX + Buffer.concat([salt, sealed]).toString('base64url');
}

/** The plain text, or null when secret or context are others, the text was changed, or is nothing sealed. */
export function openForTenant(secret: TenantSecret, sealed: string, context: readonly string[]): string | null {
  if (!isSealedText(sealed)) return null;
  const text = sealed.slice(SEALED_PREFIX.length);
  const bytes = Buffer.from(text, 'base64url');
  // Written in another way it would be another text that means the same.
  if (bytes.length < SALT + SEAL_OVERHEAD || bytes.toString('base64url') !== text) return null;
  const key = derived(secret, bytes.subarray(0, SALT));
  return openBytes(bytes.subarray(SALT), {key, context})?.toString('utf8') ?? null;
}

export function isSealedText(text: string): boolean {
  return text.startsWith(SEALED_PREFIX);
}

/** How many characters a text of so many UTF-8 bytes has when it is sealed; the limits of the protocol hold for these. */
export function sealedLength(plainBytes: number): number {
  return SEALED_PREFIX.length + Math.ceil(((plainBytes + SALT + SEAL_OVERHEAD) * 4) / 3);
}

export interface EpisodeSealing {
  readonly tenantId: string;
  /** Plain tasks can be searched by the hub; sealed ones by clients only. */
  readonly task: 'plain' | 'sealed';
}

/** Seals what the episode tells: input, output, critique and, when asked, the task. Sign it afterwards: a signature is of what the hub sees. */
export function sealEpisode(secret: TenantSecret, episode: Episode, {tenantId, task}: EpisodeSealing): Episode {
  const sealed = (text: string, field: SealedField) =>
    sealForTenant(secret, text, contextOf(episode, {tenantId, field}));
  return {
    ...episode,
    task: task === 'sealed' ? sealed(episode.task, 'task') : episode.task,
    input: sealed(episode.input, 'input'),
    output: sealed(episode.output, 'output'),
    critique: episode.critique === null ? null : sealed(episode.critique, 'critique'),
    signature: null,
  };
}

/**
 * What `sealEpisode` has sealed. Fails when a part is not sealed, was changed or comes from another episode or tenant, so that a hub can
 * put nothing of its own in its place. A task may be plain unless `task` says that it must be sealed.
 */
export function openEpisode(
  secret: TenantSecret,
  episode: Episode,
  {tenantId, task}: {readonly tenantId: string; readonly task?: 'sealed'},
): Result<Episode, {readonly field: SealedField; readonly message: string}> {
  const opened: {-readonly [field in SealedField]?: string} = {};
  for (const field of SEALED_FIELDS) {
    const text = episode[field];
    if (text === null || (field === 'task' && task !== 'sealed' && !isSealedText(text))) continue;
    const plain = openForTenant(secret, text, contextOf(episode, {tenantId, field}));
    if (plain === null) {
      const why = isSealedText(text) ? 'was sealed with another secret or changed' : 'is not sealed';
      return fail({field, message: `The ${field} of the episode ${episode.id} ${why}: it cannot be trusted`});
    }
    opened[field] = plain;
  }
  return ok({...episode, ...opened});
}

const SEALED_FIELDS = ['task', 'input', 'output', 'critique'] as const;
type SealedField = (typeof SEALED_FIELDS)[number];

function contextOf({id}: Episode, {tenantId, field}: {tenantId: string; field: SealedField}): readonly string[] {
  return ['godel-episode', tenantId, id, field];
}

function derived({key}: TenantSecret, salt: Uint8Array): KeyObject {
  return createSecretKey(Buffer.from(hkdfSync('sha256', key, salt, 'godel end to end 1', 32)));
}
