import {expect, test} from 'vitest';
import {type VerifiedToken, VerifiedTokens} from '../../../src/hub/security/verified-tokens.ts';

const token = (agentId: string): VerifiedToken => ({
  identity: {agentId, tenantId: 't', role: 'worker', tokenId: agentId, expiresAtMs: 0},
  keyId: 'k',
  marks: {token: agentId, agent: agentId, issuedAtS: 0},
});

test('as many are kept as it was made for, those that were used last', () => {
  const tokens = new VerifiedTokens(2);
  for (const name of ['a', 'b']) tokens.set(name, token(name));
  expect(tokens.get('a')?.identity.agentId).toBe('a');
  tokens.set('c', token('c'));
  expect(['a', 'b', 'c'].map(name => tokens.get(name)?.identity.agentId)).toEqual(['a', undefined, 'c']);
  tokens.set('c', token('d'));
  expect(['a', 'c'].map(name => tokens.get(name)?.identity.agentId)).toEqual(['a', 'd']);
});

test('none are kept when it was made for none, and its size is a number', () => {
  const none = new VerifiedTokens(0);
  none.set('a', token('a'));
  expect(none.get('a')).toBeUndefined();
  for (const size of [-1, 0.5, Number.NaN]) expect(() => new VerifiedTokens(size)).toThrow('cache size');
});
