import {createHmac, createSign, generateKeyPairSync, sign} from 'node:crypto';
import {chmodSync, mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {afterAll, beforeEach, describe, expect, test} from 'vitest';
import {SecurityManager} from '../../../src/hub/security/security-manager.ts';
import {TOKEN_ALGORITHMS, type TokenAlgorithm} from '../../../src/hub/security/token-key.ts';
import {TokenKeys} from '../../../src/hub/security/token-keys.ts';

const T0 = Date.UTC(2030, 0, 1);
let nowMs: number;
beforeEach(() => {
  nowMs = T0;
});

function made(algorithm: TokenAlgorithm = 'EdDSA', hubId = 'hub-1') {
  const keys = TokenKeys.inMemory({algorithm, nowMs});
  return {keys, security: new SecurityManager({keys, hubId, now: () => nowMs})};
}

async function refusal(security: SecurityManager, token: string): Promise<string> {
  const result = await security.verifyToken(token);
  if (result.ok) throw new Error(`taken as ${JSON.stringify(result.value)}`);
  if (token.length > 40) expect(result.failure.message).not.toContain(token);
  return result.failure.code;
}

const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url');
const decode = (part: string | undefined) =>
  JSON.parse(Buffer.from(part ?? '', 'base64url').toString()) as Record<string, unknown>;

/** A token of ours taken apart, changed and signed again by `signer`. */
function remade(
  token: string,
  changed: {header?: Record<string, unknown>; claims?: Record<string, unknown>},
  signer: (input: string) => Buffer | string,
): string {
  const [header, claims, signature = ''] = token.split('.');
  const input = `${encode({...decode(header), ...changed.header})}.${encode({...decode(claims), ...changed.claims})}`;
  const signed = signer(input);
  return `${input}.${typeof signed === 'string' ? signed || signature : signed.toString('base64url')}`;
}

describe.each(TOKEN_ALGORITHMS)('%s', algorithm => {
  test('a token says who somebody is until it ends', async () => {
    const {security} = made(algorithm);
    const token = await security.generateToken('pi-07', 'acme', {role: 'coordinator'});
    const identity = {agentId: 'pi-07', tenantId: 'acme', role: 'coordinator', expiresAtMs: T0 + 3_600_000};
    for (let times = 0; times < 3; times += 1) {
      expect(await security.verifyToken(token)).toMatchObject({ok: true, value: identity});
    }
    nowMs = T0 + 3_600_000 - 1;
    expect((await security.verifyToken(token)).ok).toBe(true);
    nowMs += 1;
    expect(await refusal(security, token)).toBe('token-expired');
    expect(await refusal(new SecurityManager({keys: made(algorithm).keys, hubId: 'hub-1'}), token)).toBe(
      'token-invalid',
    );
  });

  test('one that was verified by nobody before is expired, too, and by nobody else’s clock', async () => {
    const {security} = made(algorithm);
    const token = await security.generateToken('a', 't', {expiresIn: 1000});
    nowMs += 1000;
    expect(await refusal(security, token)).toBe('token-expired');
    nowMs += 86_400_000;
    expect(await refusal(security, token)).toBe('token-expired');
  });

  test('every change of any character is refused', async () => {
    const {security} = made(algorithm);
    const token = await security.generateToken('a', 't');
    await fc.assert(
      fc.asyncProperty(
        fc.nat(token.length - 1),
        fc.constantFrom(...Array.from('AZaz09-_.=\0é ')),
        async (at, character) => {
          // The last character of base64 has spare bits, which strict decoders refuse and lax ones ignore.
          fc.pre(token[at] !== character && at !== token.length - 1);
          expect(await refusal(security, token.slice(0, at) + character + token.slice(at + 1))).toBe('token-invalid');
        },
      ),
      {numRuns: 300},
    );
    expect((await security.verifyToken(token)).ok).toBe(true);
  });

  test('claims and header cannot be changed under the signature', async () => {
    const {security} = made(algorithm);
    const token = await security.generateToken('a', 't');
    for (const claims of [{tenant: 'other'}, {sub: 'b'}, {role: 'admin'}, {exp: T0}, {jti: 'x'}]) {
      expect(
        await refusal(
          security,
          remade(token, {claims}, () => ''),
        ),
      ).toBe('token-invalid');
    }
  });

  test('alg none is refused in every spelling, signed or not', async () => {
    const {security} = made(algorithm);
    const token = await security.generateToken('a', 't');
    for (const alg of ['none', 'None', 'NONE', 'nOnE', '', null, undefined, 0, ['EdDSA'], {}]) {
      const forged = remade(token, {header: {alg}, claims: {role: 'admin'}}, () => Buffer.alloc(0));
      expect(await refusal(security, forged)).toBe('token-invalid');
      expect(
        await refusal(
          security,
          remade(token, {header: {alg}}, () => ''),
        ),
      ).toBe('token-invalid');
    }
  });

  test('after a rotation both keys verify, the new one signs, and the old one ends when it was said', async () => {
    const {keys, security} = made(algorithm);
    const old = await security.generateToken('a', 't', {expiresIn: '10d'});
    keys.rotate({nowMs, olderLiveMs: 60_000});
    const young = await security.generateToken('a', 't', {expiresIn: '10d'});
    expect(decode(young.split('.')[0])['kid']).not.toBe(decode(old.split('.')[0])['kid']);
    expect((await security.verifyToken(old)).ok).toBe(true);
    expect((await security.verifyToken(young)).ok).toBe(true);
    nowMs += 60_001;
    expect(await refusal(security, old)).toBe('token-invalid');
    expect((await security.verifyToken(young)).ok).toBe(true);
  });

  test('a rotation at once ends what was verified before', async () => {
    const {keys, security} = made(algorithm);
    const old = await security.generateToken('a', 't');
    expect((await security.verifyToken(old)).ok).toBe(true);
    keys.rotate({nowMs, olderLiveMs: 0});
    nowMs += 1;
    expect(await refusal(security, old)).toBe('token-invalid');
  });
});

test('the public key of an Ed25519 pair is no HMAC secret, in whatever form', async () => {
  const {keys, security} = made('EdDSA');
  const token = await security.generateToken('a', 't');
  const {verifying} = keys.signing;
  const forms = [
    verifying.export({format: 'pem', type: 'spki'}),
    verifying.export({format: 'der', type: 'spki'}),
    Buffer.from(verifying.export({format: 'jwk'}).x ?? '', 'base64url'),
    JSON.stringify(verifying.export({format: 'jwk'})),
  ];
  for (const secret of forms) {
    for (const alg of ['HS256', 'HS512', 'EdDSA']) {
      const hmac = (input: string) =>
        createHmac(alg === 'HS512' ? 'sha512' : 'sha256', secret)
          .update(input)
          .digest();
      expect(await refusal(security, remade(token, {header: {alg}, claims: {role: 'admin'}}, hmac))).toBe(
        'token-invalid',
      );
    }
  }
});

test('a key is for its one algorithm, even where another would do with it', async () => {
  const {keys, security} = made('HS256');
  const secret = keys.signing.signing.export();
  const token = await security.generateToken('a', 't');
  const hmac = (sha: string) => (input: string) => createHmac(sha, secret).update(input).digest();
  expect((await security.verifyToken(remade(token, {claims: {role: 'admin'}}, hmac('sha256')))).ok).toBe(true);
  for (const [alg, sha] of [
    ['HS384', 'sha384'],
    ['HS512', 'sha512'],
    ['hs256', 'sha256'],
  ] as const) {
    expect(await refusal(security, remade(token, {header: {alg}}, hmac(sha)))).toBe('token-invalid');
  }
});

test('a key of another kind or one that comes with the token is not used', async () => {
  const {security, keys} = made('EdDSA');
  const token = await security.generateToken('a', 't');
  const own = generateKeyPairSync('ed25519');
  const rsa = generateKeyPairSync('rsa', {modulusLength: 2048});
  const jwk = own.publicKey.export({format: 'jwk'});
  const ed = (input: string) => sign(null, Buffer.from(input), own.privateKey);
  const rs = (input: string) => createSign('sha256').update(input).sign(rsa.privateKey);
  for (const header of [{}, {jwk}, {jku: 'http://127.0.0.1:1/keys'}, {x5c: ['AAAA']}, {kid: 'other'}, {kid: ''}]) {
    expect(await refusal(security, remade(token, {header}, ed))).toBe('token-invalid');
  }
  expect(await refusal(security, remade(token, {header: {alg: 'RS256'}}, rs))).toBe('token-invalid');
  for (const kid of [
    '__proto__',
    'constructor',
    '../keys',
    `${keys.signing.id}\0`,
    keys.signing.id.slice(1),
    null,
    7,
  ]) {
    expect(await refusal(security, remade(token, {header: {kid}}, ed))).toBe('token-invalid');
  }
});

describe('claims that are well signed', () => {
  const {keys, security} = (() => {
    const keys = TokenKeys.inMemory({nowMs: T0});
    return {keys, security: new SecurityManager({keys, hubId: 'hub-1', now: () => nowMs})};
  })();
  const signed = (input: string) => sign(null, Buffer.from(input), keys.signing.signing);
  const s = T0 / 1000;

  test.each([
    ['another audience', {aud: 'hub-2'}],
    ['no audience', {aud: undefined}],
    ['another issuer', {iss: 'somebody'}],
    ['no agent', {sub: undefined}],
    ['an empty agent', {sub: ''}],
    ['no tenant', {tenant: undefined}],
    ['a tenant that is no text', {tenant: ['acme']}],
    ['a tenant with a control character', {tenant: 'acme\0'}],
    ['half a surrogate pair', {tenant: '\ud800'}],
    ['a long tenant', {tenant: 'x'.repeat(201)}],
    ['an unknown role', {role: 'root'}],
    ['a role of the prototype', {role: 'constructor'}],
    ['no role', {role: undefined}],
    ['no id', {jti: undefined}],
    ['no end', {exp: undefined}],
    ['an end in words', {exp: '1h'}],
    ['an end beyond all tokens', {exp: s + 91 * 86_400}],
    ['an end beyond all numbers', {exp: 1e300}],
    ['a beginning to come', {nbf: s + 3600}],
    ['made in the future', {iat: s + 3600}],
    ['no time of making', {iat: undefined}],
  ])('%s', async (_, claims) => {
    const token = await security.generateToken('a', 't');
    expect((await security.verifyToken(remade(token, {claims: {role: 'admin'}}, signed))).ok).toBe(true);
    expect(await refusal(security, remade(token, {claims}, signed))).toBe('token-invalid');
  });

  test('another type of token', async () => {
    const token = await security.generateToken('a', 't');
    for (const typ of ['JWT', undefined, 'at+jwt']) {
      expect(await refusal(security, remade(token, {header: {typ}}, signed))).toBe('token-invalid');
    }
    expect(await refusal(security, remade(token, {header: {crit: ['b64'], b64: false}}, signed))).toBe('token-invalid');
  });

  test('more than fits into a hello', async () => {
    const token = await security.generateToken('a', 't');
    const padded = (length: number) => remade(token, {claims: {pad: 'x'.repeat(length)}}, signed);
    expect((await security.verifyToken(padded(5000))).ok).toBe(true);
    expect(padded(6500).length).toBeGreaterThan(8192);
    expect(await refusal(security, padded(6500))).toBe('token-invalid');
  });

  test('a clock that is a little ahead is borne, one that is far ahead is not', async () => {
    const token = await security.generateToken('a', 't');
    const ahead = (by: number) => remade(token, {claims: {iat: s + by, nbf: s + by, exp: s + 3600 + by}}, signed);
    expect((await security.verifyToken(ahead(29))).ok).toBe(true);
    expect(await refusal(security, ahead(32))).toBe('token-invalid');
    // Skew is no extra life.
    expect(await refusal(security, remade(token, {claims: {exp: s}}, signed))).toBe('token-expired');
  });

  test('a token for later is taken then', async () => {
    const token = await security.generateToken('a', 't', {expiresIn: '2h', notBeforeMs: T0 + 3_600_000});
    expect(await refusal(security, token)).toBe('token-invalid');
    nowMs = T0 + 3_600_000;
    expect((await security.verifyToken(token)).ok).toBe(true);
  });
});

describe('revocation', () => {
  test('a token is refused from then on, though it was verified before', async () => {
    const {keys, security} = made();
    const [first, second] = [await security.generateToken('a', 't'), await security.generateToken('a', 't')];
    const verified = await security.verifyToken(first);
    if (!verified.ok) throw new Error('refused');
    keys.revoke({kind: 'token', tokenId: verified.value.tokenId}, {nowMs});
    expect(await refusal(security, first)).toBe('token-revoked');
    expect(security.recheck(verified.value)).toMatchObject({ok: false, failure: {code: 'token-revoked'}});
    expect((await security.verifyToken(second)).ok).toBe(true);
    nowMs += 3_600_000;
    expect(await refusal(security, first)).toBe('token-expired');
  });

  test('all tokens of an agent are, but not those of its namesake or later ones', async () => {
    const {keys, security} = made();
    const theirs = await security.generateToken('a', 't');
    const namesake = await security.generateToken('a', 'u');
    keys.revoke({kind: 'agent', tenantId: 't', agentId: 'a'}, {nowMs});
    expect(await refusal(security, theirs)).toBe('token-revoked');
    expect((await security.verifyToken(namesake)).ok).toBe(true);
    nowMs += 1000;
    expect((await security.verifyToken(await security.generateToken('a', 't'))).ok).toBe(true);
    expect(await refusal(security, theirs)).toBe('token-revoked');
  });

  test('is remembered as long as the token could live, and no longer', async () => {
    const {keys, security} = made();
    const issued = await security.issueToken({agentId: 'a', tenantId: 't'}, {expiresIn: '2h'});
    keys.revoke({kind: 'token', tokenId: issued.tokenId}, {nowMs});
    keys.revoke({kind: 'agent', tenantId: 't', agentId: 'b'}, {nowMs});
    expect(keys.list(nowMs)).toMatchObject({issued: [{tokenId: issued.tokenId, revoked: true}], revocations: [{}, {}]});
    nowMs += 7_200_000;
    expect(keys.list(nowMs)).toMatchObject({issued: [], revocations: [{kind: 'agent'}]});
    expect(keys.list(nowMs + 90 * 86_400_000).revocations).toEqual([]);
  });
});

test.each([
  '../../etc/passwd',
  '__proto__',
  'constructor',
  "'; DROP TABLE x; --",
  '☃ 東京 🦊',
  'a'.repeat(200),
  '%2e%2e',
  ' ',
])('the name %j is a name like any other', async name => {
  const {keys, security} = made();
  const token = await security.generateToken(name, name);
  const verified = await security.verifyToken(token);
  expect(verified).toMatchObject({ok: true, value: {agentId: name, tenantId: name, role: 'worker'}});
  keys.revoke({kind: 'agent', tenantId: name, agentId: name}, {nowMs});
  expect(await refusal(security, token)).toBe('token-revoked');
});

test('keys that cannot be read are told to everybody who asks, until they can be again', async () => {
  const {keys, security} = made();
  const verified = await Promise.all(
    ['a', 'b'].map(async name => security.verifyToken(await security.generateToken(name, 't'))),
  );
  const identities = verified.flatMap(result => (result.ok ? [result.value] : []));
  expect(identities).toHaveLength(2);
  const refresh = keys.refresh.bind(keys);
  keys.refresh = () => {
    throw new Error('others may read the keys');
  };
  nowMs += 1000;
  for (const identity of identities) expect(() => security.recheck(identity)).toThrow('others may read the keys');
  keys.refresh = refresh;
  nowMs += 1000;
  for (const identity of identities) expect(security.recheck(identity).ok).toBe(true);
});

test('tokens are not made for what is no name, role or time', async () => {
  const {security} = made();
  for (const name of ['', '\0', 'a\nb', '\udc00', 'x'.repeat(201)]) {
    await expect(security.generateToken(name, 't')).rejects.toThrow('The name of the agent');
    await expect(security.generateToken('a', name)).rejects.toThrow('The name of the tenant');
  }
  for (const expiresIn of ['', 'soon', '1', '91d', '1ms', -1, Number.NaN, Infinity]) {
    await expect(security.generateToken('a', 't', {expiresIn})).rejects.toThrow('expiresIn');
  }
  await expect(security.generateToken('a', 't', {role: JSON.parse('"root"')})).rejects.toThrow('worker, reader');
});

test('no text is a token, however it looks or how long it is', async () => {
  const {security} = made();
  const odd = [
    '',
    '.',
    '..',
    '...',
    'a.b.c',
    `${encode({alg: 'EdDSA', kid: 'x'})}..`,
    '{}',
    '\0',
    'é'.repeat(100),
    'a.b.c.d.e',
  ];
  for (const token of [...odd, 'A'.repeat(8193), `${'A'.repeat(5e6)}.B.C`]) {
    expect(await refusal(security, token)).toBe('token-invalid');
  }
  await fc.assert(
    fc.asyncProperty(fc.string({unit: 'binary', maxLength: 300}), async text => {
      expect(await refusal(security, text)).toBe('token-invalid');
    }),
  );
  await fc.assert(
    fc.asyncProperty(fc.json(), fc.json(), fc.base64String(), async (header, claims, signature) => {
      const text = [header, claims].map(each => Buffer.from(each).toString('base64url')).join('.');
      expect(await refusal(security, `${text}.${signature}`)).toBe('token-invalid');
    }),
  );
});

test('more tokens than are remembered are verified all the same', async () => {
  const keys = TokenKeys.inMemory({nowMs});
  const security = new SecurityManager({keys, hubId: 'h', cacheSize: 2, now: () => nowMs});
  const tokens = await Promise.all(['a', 'b', 'c', 'd'].map(agent => security.generateToken(agent, 't')));
  for (const token of [...tokens, ...tokens]) expect((await security.verifyToken(token)).ok).toBe(true);
});

describe('data', () => {
  const folder = mkdtempSync(join(tmpdir(), 'godel-security-'));
  afterAll(() => rmSync(folder, {recursive: true}));

  test('that was encrypted opens for its tenant, also in a later process', () => {
    const security = SecurityManager.open(join(folder, 's'), {hubId: 'h'});
    const sealed = security.encryptData('plain text', 'acme');
    expect(sealed).not.toContain('plain');
    const later = SecurityManager.open(join(folder, 's'), {hubId: 'h'});
    expect(later.decryptData(sealed, 'acme')).toEqual({ok: true, value: 'plain text'});
    expect(later.decryptData(sealed, 'other')).toMatchObject({failure: {code: 'tampered'}});
    expect(later.decryptData(`${sealed.slice(0, -1)}${sealed.endsWith('A') ? 'B' : 'A'}`, 'acme').ok).toBe(false);
    const other = SecurityManager.open(join(folder, 'o'), {hubId: 'h'});
    expect(other.decryptData(sealed, 'acme').ok).toBe(false);
    expect(() => made().security.encryptData('x', 'acme')).toThrow('dataSecret');
  });

  test('its secret is for the owner alone', () => {
    SecurityManager.open(join(folder, 'x'), {hubId: 'h'});
    expect(statSync(join(folder, 'x', 'data-secret')).mode & 0o777).toBe(0o600);
    chmodSync(join(folder, 'x', 'data-secret'), 0o640);
    expect(() => SecurityManager.open(join(folder, 'x'), {hubId: 'h'})).toThrow('chmod 600');
  });
});
