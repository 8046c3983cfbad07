import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {agentMark, tokenMark} from '../../../src/hub/security/revocations.ts';
import {SecurityManager} from '../../../src/hub/security/security-manager.ts';
import {MAX_TOKEN_LIFETIME_MS, TokenKeys} from '../../../src/hub/security/token-keys.ts';

let top: string;
let folder: string;
beforeEach(() => {
  top = mkdtempSync(join(tmpdir(), 'godel-keys-'));
  folder = join(top, 'tokens');
});
afterEach(() => rmSync(top, {recursive: true}));

const manager = (keys: TokenKeys) => new SecurityManager({keys, hubId: 'hub'});
const keyFiles = () => readdirSync(join(folder, 'keys'));
const modeOf = (path: string) => statSync(path).mode & 0o777;

test('folders and files are for their owner alone, and no draft is left', async () => {
  const keys = TokenKeys.open(folder);
  const {tokenId} = await manager(keys).issueToken({agentId: 'a', tenantId: 't'});
  keys.revoke({kind: 'token', tokenId});
  for (const name of ['', 'keys', 'issued', 'revoked']) expect(modeOf(join(folder, name))).toBe(0o700);
  for (const name of ['keys', 'issued', 'revoked']) {
    const files = readdirSync(join(folder, name));
    expect(files).toHaveLength(1);
    for (const file of files) expect(modeOf(join(folder, name, file))).toBe(0o600);
  }
});

test('whoever opens the folder later verifies what was signed before, and knows what was revoked', async () => {
  const security = manager(TokenKeys.open(folder));
  const kept = await security.generateToken('a', 't');
  const revoked = await security.issueToken({agentId: 'b', tenantId: 't'});
  TokenKeys.open(folder).revoke({kind: 'token', tokenId: revoked.tokenId});
  const later = manager(TokenKeys.open(folder));
  expect(await later.verifyToken(kept)).toMatchObject({ok: true, value: {agentId: 'a'}});
  expect(await later.verifyToken(revoked.token)).toMatchObject({failure: {code: 'token-revoked'}});
});

test('a hub that runs learns of keys and revocations of other processes', async () => {
  let nowMs = Date.now();
  const hub = new SecurityManager({keys: TokenKeys.open(folder), hubId: 'hub', now: () => nowMs});
  const old = await manager(TokenKeys.open(folder)).issueToken({agentId: 'a', tenantId: 't'});
  expect((await hub.verifyToken(old.token)).ok).toBe(true);
  const other = TokenKeys.open(folder);
  other.rotate();
  other.revoke({kind: 'token', tokenId: old.tokenId});
  const young = await manager(other).generateToken('a', 't');
  nowMs += 1000;
  expect((await hub.verifyToken(young)).ok).toBe(true);
  expect(await hub.verifyToken(old.token)).toMatchObject({failure: {code: 'token-revoked'}});
});

test('what happens within one tick of the folder’s clock is seen, too', () => {
  const shared = new Date(Date.now() - 500);
  const reader = TokenKeys.open(folder);
  utimesSync(join(folder, 'revoked'), shared, shared);
  reader.refresh();
  TokenKeys.open(folder).revoke({kind: 'agent', tenantId: 't', agentId: 'a'});
  utimesSync(join(folder, 'revoked'), shared, shared);
  reader.refresh();
  const marks = {token: tokenMark('x'), agent: agentMark({tenantId: 't', agentId: 'a'}), issuedAtS: 0};
  expect(reader.revocations.refuses(marks)).toBe(true);
});

test.each([
  ['a key that others may read', () => chmodSync(join(folder, 'keys', keyFiles()[0]!), 0o644), 'chmod 600'],
  ['a key that the group may write', () => chmodSync(join(folder, 'keys', keyFiles()[0]!), 0o620), 'chmod 600'],
  ['a folder that others may enter', () => chmodSync(folder, 0o755), 'chmod 700'],
  ['a folder of keys that others may enter', () => chmodSync(join(folder, 'keys'), 0o711), 'chmod 700'],
])('%s is refused with the fix', (_, loosen, fix) => {
  TokenKeys.open(folder);
  loosen();
  expect(() => TokenKeys.open(folder)).toThrow(fix);
});

test('what is no key is refused by its name', () => {
  TokenKeys.open(folder);
  const write = (text: string) => writeFileSync(join(folder, 'keys', 'x.json'), text, {mode: 0o600});
  const good = {id: 'x', createdAtMs: 0, olderLiveMs: 0};
  const values = [
    {},
    [],
    null,
    {...good, algorithm: 'none', key: {}},
    {...good, algorithm: 'EdDSA', key: {kty: 'oct', k: 'A'}},
  ];
  const weak = {...good, algorithm: 'HS256', key: {kty: 'oct', k: Buffer.alloc(31).toString('base64url')}};
  for (const text of ['', '{', ...[...values, weak].map(value => JSON.stringify(value))]) {
    write(text);
    expect(() => TokenKeys.open(folder)).toThrow('x.json is no token key');
  }
  const secret = {kty: 'oct', k: Buffer.alloc(32).toString('base64url')};
  write(JSON.stringify({...good, id: 'y', algorithm: 'HS256', key: secret}));
  expect(() => TokenKeys.open(folder)).toThrow('name it y.json');
});

test('a link or a folder in the place of a key is refused', () => {
  TokenKeys.open(folder);
  writeFileSync(join(top, 'elsewhere'), '{}', {mode: 0o600});
  symlinkSync(join(top, 'elsewhere'), join(folder, 'keys', 'link.json'));
  expect(() => TokenKeys.open(folder)).toThrow('must not be a link');
  rmSync(join(folder, 'keys', 'link.json'));
  mkdirSync(join(folder, 'keys', 'folder.json'));
  expect(() => TokenKeys.open(folder)).toThrow('no regular file');
});

test('the draft of a writer that was killed is no key, and goes', () => {
  TokenKeys.open(folder);
  const draft = join(folder, 'keys', '.x.json.0123456789abcdef');
  writeFileSync(draft, '{"half', {mode: 0o600});
  TokenKeys.open(folder);
  const longAgo = new Date(Date.now() - 3_600_000);
  utimesSync(draft, longAgo, longAgo);
  TokenKeys.open(folder);
  expect(keyFiles()).toHaveLength(1);
});

test('keys are listed with their ends, and their files go after that', () => {
  const keys = TokenKeys.open(folder, {nowMs: 1000});
  keys.rotate({nowMs: 2000, algorithm: 'HS256'});
  keys.rotate({nowMs: 3000, olderLiveMs: 500});
  expect(keys.list(3000).keys).toMatchObject([
    {algorithm: 'HS256', endsAtMs: null, signs: true},
    {algorithm: 'HS256', endsAtMs: 3500, signs: false},
    {algorithm: 'EdDSA', endsAtMs: 3500, signs: false},
  ]);
  expect(keys.list(3500).keys).toHaveLength(1);
  expect(keyFiles()).toHaveLength(3);
  keys.rotate({nowMs: 4000});
  expect(keyFiles()).toHaveLength(2);
  expect(keys.list(4000).keys.at(-1)?.endsAtMs).toBe(4000 + MAX_TOKEN_LIFETIME_MS);
});

test('a key that was ended at once stays ended whatever becomes of the key that ended it', () => {
  const keys = TokenKeys.open(folder, {nowMs: 1000});
  const stolen = keys.signing.id;
  keys.rotate({nowMs: 2000, olderLiveMs: 0});
  const ender = keys.signing.id;
  keys.rotate({nowMs: 3000, olderLiveMs: 100});
  expect(keyFiles()).not.toContain(`${stolen}.json`);
  keys.rotate({nowMs: 4000});
  expect(keyFiles()).not.toContain(`${ender}.json`);
  expect(keys.verifying(stolen, 4000)).toBeNull();
  expect(TokenKeys.open(folder).verifying(stolen, 4000)).toBeNull();
});

test('keys are bounded, and ending the older ones makes room', () => {
  const keys = TokenKeys.inMemory({algorithm: 'HS256', nowMs: 0});
  for (let count = 1; count < 1000; count += 1) keys.rotate({nowMs: count});
  expect(() => keys.rotate({nowMs: 1000})).toThrow('1000 keys verify');
  keys.rotate({nowMs: 1001, olderLiveMs: 0});
  keys.rotate({nowMs: 1002});
  expect(keys.list(1002).keys).toHaveLength(2);
});

test('a clock that was set back does not make the new key the old one', () => {
  const keys = TokenKeys.open(folder, {nowMs: 10_000});
  const {id} = keys.rotate({nowMs: 500});
  expect(keys.signing.id).toBe(id);
  expect(TokenKeys.open(folder).signing.id).toBe(id);
});

test('processes that open, rotate and revoke at the same time lose nothing of each other', async () => {
  const rounds = 10;
  const program = `
    import {TokenKeys} from '${join(import.meta.dirname, '../../../src/hub/security/token-keys.ts')}';
    process.stdin.once('data', () => {
      const keys = TokenKeys.open(process.argv[1]);
      for (let round = 0; round < ${rounds}; round += 1) {
        keys.rotate();
        keys.revoke({kind: 'agent', tenantId: process.argv[2], agentId: String(round)});
        keys.signing;
      }
      process.exit(0);
    });
    console.log('ready');`;
  const children = ['1', '2', '3'].map(name =>
    spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', program, folder, name], {
      stdio: ['pipe', 'pipe', 'inherit'],
    }),
  );
  await Promise.all(children.map(child => once(child.stdout, 'data')));
  const ends = children.map(child => once(child, 'exit'));
  for (const child of children) child.stdin.write('go\n');
  expect(await Promise.all(ends)).toEqual(children.map(() => [0, null]));
  const {keys, revocations} = TokenKeys.open(folder).list();
  expect(revocations).toHaveLength(3 * rounds);
  expect(keys.length).toBeGreaterThanOrEqual(3 * rounds + 1);
  expect(keys.filter(({signs}) => signs)).toHaveLength(1);
  expect(readdirSync(join(folder, 'keys')).filter(name => name.startsWith('.'))).toEqual([]);
});
