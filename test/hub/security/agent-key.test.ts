import {generateKeyPairSync} from 'node:crypto';
import {expect, test} from 'vitest';
import {endorseKey, judgeKey} from '../../../src/hub/security/agent-key.ts';
import {verifyEpisode, readPublicKey, writePublicKey} from '../../../src/hub/security/episode-signature.ts';
import {createSigner} from '../../../src/hub/security/signer.ts';
import {sampleEpisode} from './sample-episode.ts';

const [first, second, stranger] = [0, 1, 2].map(() => generateKeyPairSync('ed25519')) as [Pair, Pair, Pair];
type Pair = ReturnType<typeof generateKeyPairSync>;
const claim = {tenantId: 'acme', agentId: 'pi-07', publicKey: writePublicKey(second.publicKey)};
const known = [writePublicKey(first.publicKey)];
const role = 'worker';

test('the first key becomes known by itself, the same one again changes nothing', () => {
  expect(judgeKey(claim, {known: [], signature: null, role})).toBe('new');
  expect(judgeKey(claim, {known: [claim.publicKey], signature: null, role})).toBe('known');
});

test('another one becomes known by a signature of a known key, or by an admin', () => {
  const signature = endorseKey(claim, first.privateKey);
  expect(judgeKey(claim, {known, signature, role})).toBe('new');
  expect(judgeKey(claim, {known, signature: null, role: 'admin'})).toBe('new');
  for (const role of ['reader', 'worker', 'coordinator'] as const) {
    expect(judgeKey(claim, {known, signature: null, role})).toBe('untrusted');
  }
});

test('a signature by another key, of another claim, or damaged says nothing', () => {
  const good = endorseKey(claim, first.privateKey);
  const bad = [
    endorseKey(claim, stranger.privateKey),
    endorseKey(claim, second.privateKey),
    endorseKey({...claim, agentId: 'pi-08'}, first.privateKey),
    endorseKey({...claim, tenantId: 'other'}, first.privateKey),
    endorseKey({...claim, publicKey: writePublicKey(stranger.publicKey)}, first.privateKey),
    '',
    `${good}=`,
    good.slice(1),
    'A'.repeat(86),
  ];
  for (const signature of bad) expect(judgeKey(claim, {known, signature, role})).toBe('untrusted');
});

test('what is no public key is none', () => {
  for (const publicKey of ['', 'x', `${claim.publicKey}=`, claim.publicKey.slice(1)]) {
    expect(() => judgeKey({...claim, publicKey}, {known: [], signature: null, role})).toThrow(TypeError);
  }
});

test('a signer signs episodes and endorses itself by the former key', () => {
  const pem = second.privateKey.export({format: 'pem', type: 'pkcs8'}) as string;
  const signer = createSigner(pem, {formerKey: first.privateKey});
  expect(signer.publicKey).toBe(claim.publicKey);
  expect(judgeKey(claim, {known, signature: signer.endorse(claim), role})).toBe('new');
  expect(createSigner(pem).endorse(claim)).toBeNull();
  const signed = signer.sign(sampleEpisode(), 'acme');
  expect(verifyEpisode(signed, {tenantId: 'acme', publicKey: readPublicKey(signer.publicKey)})).toBe(true);
  for (const key of ['no key', second.publicKey, generateKeyPairSync('rsa', {modulusLength: 2048}).privateKey]) {
    expect(() => createSigner(key)).toThrow(TypeError);
  }
});
