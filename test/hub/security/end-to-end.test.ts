import fc from 'fast-check';
import {expect, test} from 'vitest';
import {
  isSealedText,
  newTenantSecret,
  openEpisode,
  openForTenant,
  readTenantSecret,
  sealedLength,
  sealEpisode,
  sealForTenant,
} from '../../../src/hub/security/end-to-end.ts';
import {sampleEpisode} from './sample-episode.ts';

const secret = readTenantSecret(newTenantSecret());
const other = readTenantSecret(newTenantSecret());
const tenantId = 'acme';

test('a text opens with the same secret and context only', () => {
  fc.assert(
    fc.property(
      fc.string({unit: 'grapheme', maxLength: 500}),
      fc.array(fc.string(), {maxLength: 3}),
      (text, context) => {
        const sealed = sealForTenant(secret, text, context);
        expect(isSealedText(sealed)).toBe(true);
        expect(sealed).toHaveLength(sealedLength(Buffer.byteLength(text)));
        expect(openForTenant(secret, sealed, context)).toBe(text);
        expect(openForTenant(other, sealed, context)).toBeNull();
        expect(openForTenant(secret, sealed, [...context, ''])).toBeNull();
      },
    ),
  );
});

test('a sealed text with any character changed does not open', () => {
  const sealed = sealForTenant(secret, 'some text', ['a']);
  for (let at = 0; at < sealed.length; at += 1) {
    for (const character of ['A', 'B', '_', '=', ' ', '+']) {
      if (sealed[at] === character) continue;
      const changed = sealed.slice(0, at) + character + sealed.slice(at + 1);
      expect(openForTenant(secret, changed, ['a'])).toBeNull();
    }
    expect(openForTenant(secret, sealed.slice(0, at), ['a'])).toBeNull();
  }
  for (const text of ['', 'plain', 'godel-sealed:1:', `${sealed}=`, `${sealed}A`]) {
    expect(openForTenant(secret, text, ['a'])).toBeNull();
  }
});

test('parts of a context are not glued together', () => {
  const sealed = sealForTenant(secret, 'x', ['ab', 'c']);
  for (const context of [['a', 'bc'], ['abc'], ['ab', 'c', ''], ['c', 'ab']]) {
    expect(openForTenant(secret, sealed, context)).toBeNull();
  }
});

test.each(['plain', 'sealed'] as const)('an episode goes through the hub unread, its task %s', task => {
  const episode = sampleEpisode({
    task: 'fix the parser',
    input: 'SECRET-IN',
    output: 'SECRET-OUT',
    critique: 'SECRET-CRIT',
  });
  const sealed = sealEpisode(secret, episode, {tenantId, task});
  expect(JSON.stringify(sealed)).not.toContain('SECRET');
  expect(JSON.stringify(sealed).includes('fix the parser')).toBe(task === 'plain');
  expect(openEpisode(secret, sealed, {tenantId})).toEqual({ok: true, value: episode});
  expect(openEpisode(other, sealed, {tenantId}).ok).toBe(false);
  expect(openEpisode(secret, sealed, {tenantId: 'other'}).ok).toBe(false);
  expect(openEpisode(secret, {...sealed, id: 'another'}, {tenantId}).ok).toBe(false);
});

test('what a hub puts in the place of a sealed part is refused and named', () => {
  const sealed = sealEpisode(secret, sampleEpisode({critique: null}), {tenantId, task: 'sealed'});
  const refused = (change: object) => {
    const opened = openEpisode(secret, {...sealed, ...change}, {tenantId, task: 'sealed'});
    return opened.ok ? 'opened' : opened.failure.field;
  };
  expect(refused({output: 'rm -rf /'})).toBe('output');
  expect(refused({task: 'another task'})).toBe('task');
  expect(refused({input: sealed.output})).toBe('input');
  expect(refused({critique: sealed.output})).toBe('critique');
  expect(refused({})).toBe('opened');
});

test('what is not random is no secret, and is not repeated', () => {
  for (const text of [
    '',
    'hunter2',
    'A'.repeat(43),
    'x'.repeat(44),
    newTenantSecret().slice(1),
    `${newTenantSecret()}AA`,
  ]) {
    expect(() => readTenantSecret(text)).toThrow('openssl rand');
    if (text !== '') expect(() => readTenantSecret(text)).not.toThrow(text);
  }
  expect(() => readTenantSecret(`${newTenantSecret()}=\n`)).not.toThrow();
});
