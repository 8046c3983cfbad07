import {generateKeyPairSync} from 'node:crypto';
import fc from 'fast-check';
import {expect, test} from 'vitest';
import {canonicalJson} from '../../../src/hub/security/canonical-json.ts';
import {
  canonicalEpisode,
  readPublicKey,
  signEpisode,
  verifyEpisode,
  writePublicKey,
} from '../../../src/hub/security/episode-signature.ts';
import {sampleEpisode} from './sample-episode.ts';

const {privateKey, publicKey} = generateKeyPairSync('ed25519');
const stranger = generateKeyPairSync('ed25519');
const tenantId = 'acme';

test('what is signed verifies, also after its keys were reordered on the way', () => {
  const signed = signEpisode(sampleEpisode(), {tenantId, privateKey});
  const reordered = Object.fromEntries(Object.entries(signed).toReversed()) as unknown as typeof signed;
  expect(verifyEpisode(JSON.parse(JSON.stringify(reordered)) as typeof signed, {tenantId, publicKey})).toBe(true);
});

test('any change of what it says, its agent or its tenant is noticed', () => {
  const signed = signEpisode(sampleEpisode(), {tenantId, privateKey});
  const changes = {
    id: 'other',
    agentId: 'pi-08',
    sessionId: 's',
    task: 'x',
    input: '',
    output: 'y',
    critique: null,
    reward: 0.76,
    success: false,
    tags: ['parser', 'build'],
    at: '2031',
    expiresAtMs: 1,
  };
  expect(Object.keys(changes).toSorted()).toEqual(
    Object.keys(signed)
      .filter(key => key !== 'signature')
      .toSorted(),
  );
  for (const [key, value] of Object.entries(changes)) {
    expect(verifyEpisode({...signed, [key]: value}, {tenantId, publicKey}), key).toBe(false);
  }
  expect(verifyEpisode(signed, {tenantId: 'other', publicKey})).toBe(false);
  expect(verifyEpisode(signed, {tenantId, publicKey: stranger.publicKey})).toBe(false);
});

test('a signature that is none is false, whatever it is', () => {
  const signed = signEpisode(sampleEpisode(), {tenantId, privateKey});
  const good = signed.signature ?? '';
  const rsa = generateKeyPairSync('rsa', {modulusLength: 2048}).publicKey;
  expect(verifyEpisode(signed, {tenantId, publicKey: rsa})).toBe(false);
  for (const signature of [
    null,
    '',
    'x',
    `${good}=`,
    good.slice(1),
    `${good}A`,
    good.replace(/.$/, 'B'),
    'A'.repeat(86),
  ]) {
    expect(verifyEpisode({...signed, signature}, {tenantId, publicKey})).toBe(false);
  }
});

test('only Ed25519 keys sign', () => {
  const ec = generateKeyPairSync('ec', {namedCurve: 'P-256'});
  expect(() => signEpisode(sampleEpisode(), {tenantId, privateKey: ec.privateKey})).toThrow('Ed25519');
  expect(() => signEpisode(sampleEpisode(), {tenantId, privateKey: publicKey})).toThrow('Ed25519');
  expect(() => writePublicKey(ec.publicKey)).toThrow('Ed25519');
  for (const text of ['', 'A', 'A'.repeat(44), 'é'.repeat(43)])
    expect(() => readPublicKey(text)).toThrow('43 characters');
});

test('one value has one text, and two values have two', () => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      const text = canonicalJson(value as never);
      const parsed: unknown = JSON.parse(text);
      expect(canonicalJson(parsed as never)).toBe(text);
      expect(parsed).toEqual(JSON.parse(JSON.stringify(value)));
    }),
  );
  expect(canonicalJson({b: [1, -0, 1e21], a: {d: null, c: 'é\u2028'}})).toBe(
    '{"a":{"c":"é\u2028","d":null},"b":[1,0,1e+21]}',
  );
  expect(canonicalJson('a\ud800b')).toBe('"a\ufffdb"');
  expect(canonicalJson('🦊')).toBe('"🦊"');
  expect(() => canonicalJson(Number.NaN)).toThrow('NaN');
});

test('the canonical form of version 1 stays as it is', () => {
  expect(canonicalEpisode(sampleEpisode({task: 't', input: 'i', output: 'o', critique: null}), 'acme')).toBe(
    'godel-episode-1\n{"agentId":"pi-07","at":"2030-01-01T00:00:00.000Z-0000-pi-07","critique":null,"expiresAtMs":null,' +
      '"id":"0196c0de-0000-7000-8000-000000000001","input":"i","output":"o","reward":0.75,"sessionId":null,"success":true,' +
      '"tags":["build","parser"],"task":"t","tenantId":"acme"}',
  );
});

test('a clock is part of what is signed, in a version of its own', () => {
  const clock = ['log', 'node', 3, 7] as const;
  const said = canonicalEpisode(sampleEpisode({clock}), 'acme');
  expect(said).toMatch(/^godel-episode-2\n.*"clock":\["log","node",3,7\]/s);
  const signed = signEpisode(sampleEpisode({clock}), {tenantId, privateKey});
  expect(verifyEpisode(signed, {tenantId, publicKey})).toBe(true);
  const bare = {...sampleEpisode(), signature: signed.signature};
  for (const changed of [bare, {...signed, clock: ['log', 'node', 3, 8] as const}]) {
    expect(verifyEpisode(changed, {tenantId, publicKey})).toBe(false);
  }
});
