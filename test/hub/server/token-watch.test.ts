import {expect, test} from 'vitest';
import {fail, ok} from '../../../src/base/result.ts';
import type {HubAuth} from '../../../src/hub/server/hub-parts.ts';
import {TokenWatch} from '../../../src/hub/server/token-watch.ts';

const GRACE_MS = 100;

function memberUntil(expiresAtMs: number) {
  return {identity: {agentId: 'a', tenantId: 't1', role: 'worker', tokenId: 'k', expiresAtMs}} as const;
}

test('a token that cannot be checked is good for its grace, counted anew whenever it could be; then its agent goes', () => {
  let recheck: HubAuth['recheck'] = identity => ok(identity);
  const errors: unknown[] = [];
  const auth: HubAuth = {verify: () => Promise.reject(new Error('not asked')), recheck: identity => recheck(identity)};
  const watch = new TokenWatch({auth, wallMs: () => 0, graceMs: GRACE_MS, unexpected: error => errors.push(error)});
  const member = memberUntil(1_000_000);
  const codeAt = (nowMs: number) => watch.refusalOf(member, nowMs)?.code ?? null;
  const throws: HubAuth['recheck'] = () => {
    throw new Error('the keys cannot be read');
  };
  const unavailable: HubAuth['recheck'] = () => fail({code: 'unavailable', message: 'later'});
  recheck = throws;
  expect([codeAt(0), codeAt(99)]).toEqual([null, null]);
  expect(errors).toHaveLength(1);
  recheck = identity => ok(identity);
  expect(codeAt(100)).toBeNull();
  recheck = unavailable;
  expect([codeAt(200), codeAt(299)]).toEqual([null, null]);
  recheck = throws;
  expect(codeAt(300)).toBe('unavailable');
  for (const code of ['token-invalid', 'token-revoked', 'forbidden'] as const) {
    recheck = () => fail({code, message: 'no'});
    expect(codeAt(301)).toBe(code);
  }
  recheck = () => fail({code: 'token-expired', message: 'no'});
  expect(codeAt(302)).toBeNull();
});

test('one that has ended is not checked, and its agent goes after its grace', () => {
  let wallMs = 1000;
  const recheck = () => fail({code: 'token-invalid', message: 'no'} as const);
  const auth: HubAuth = {verify: () => Promise.reject(new Error('not asked')), recheck};
  const watch = new TokenWatch({auth, wallMs: () => wallMs, graceMs: GRACE_MS, unexpected: () => undefined});
  const member = memberUntil(1000);
  expect(watch.refusalOf(member, 0)).toBeNull();
  wallMs = 1100;
  expect(watch.refusalOf(member, 0)?.code).toBe('token-expired');
});
