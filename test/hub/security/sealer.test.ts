import {randomBytes} from 'node:crypto';
import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import fc from 'fast-check';
import {afterEach, beforeEach, describe, expect, test} from 'vitest';
import {masterKey} from '../../../src/hub/security/master-key.ts';
import {SEAL_OVERHEAD} from '../../../src/hub/security/seal-format.ts';
import {Sealer} from '../../../src/hub/security/sealer.ts';
import {WrappedKeyFolder} from '../../../src/hub/security/wrapped-keys.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-seal-'));
});
afterEach(() => rmSync(folder, {recursive: true}));

const first = masterKey(randomBytes(32));
const second = masterKey(randomBytes(32));
const made = (options: Partial<ConstructorParameters<typeof Sealer>[0]> = {}) =>
  new Sealer({master: first, keys: new WrappedKeyFolder(folder), ...options});
const plainOf = (sealer: Sealer, tenant: string, id: string, sealed: Uint8Array) => {
  const opened = sealer.open(tenant, id, sealed);
  if (!opened.ok) throw new Error(opened.failure.message);
  return opened.value.toString();
};
const codeOf = (sealer: Sealer, tenant: string, id: string, sealed: Uint8Array) => {
  const opened = sealer.open(tenant, id, sealed);
  return opened.ok ? 'opened' : opened.failure.code;
};

test('what was sealed opens, also in a later process, and holds nothing of the text', () => {
  const sealed = made().seal('acme', 'e1', 'the launch code is 0000');
  expect(sealed.toString('latin1')).not.toContain('launch');
  expect(sealed).toHaveLength('the launch code is 0000'.length + SEAL_OVERHEAD);
  expect(plainOf(made(), 'acme', 'e1', sealed)).toBe('the launch code is 0000');
});

test('any bytes come back as they were', () => {
  const sealer = made();
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 5000}), fc.string({maxLength: 100, unit: 'grapheme'}), (bytes, id) => {
      const opened = sealer.open('t', id, sealer.seal('t', id, bytes));
      expect(opened.ok && new Uint8Array(opened.value)).toEqual(bytes);
    }),
  );
});

test('every change of every byte is noticed, and every cut', () => {
  const sealer = made();
  const sealed = sealer.seal('t', 'e', 'a text of some length, so that all parts are there');
  for (let at = 0; at < sealed.length; at += 1) {
    const changed = Buffer.from(sealed);
    for (const bit of [1, 2, 4, 8, 16, 32, 64, 128]) {
      changed[at] = (sealed[at] ?? 0) ^ bit;
      expect(codeOf(sealer, 't', 'e', changed)).not.toBe('opened');
    }
    expect(codeOf(sealer, 't', 'e', sealed.subarray(0, at))).toBe('tampered');
    expect(codeOf(sealer, 't', 'e', sealed.subarray(at + 1))).not.toBe('opened');
  }
  fc.assert(
    fc.property(fc.uint8Array({maxLength: 200}), bytes => {
      expect(codeOf(sealer, 't', 'e', bytes)).not.toBe('opened');
      expect(codeOf(sealer, 't', 'e', Buffer.concat([sealed, Buffer.from([0]), bytes]))).not.toBe('opened');
    }),
  );
});

test('what is sealed belongs to its tenant and id, however names are cut', () => {
  const sealer = made();
  sealer.seal('b', 'x', 'so that b has a key of this version, too');
  const sealed = sealer.seal('a', 'bc', 'text');
  for (const [tenant, id] of [
    ['b', 'bc'],
    ['a', 'bd'],
    ['ab', 'c'],
    ['a', ''],
    ['a', 'BC'],
  ] as const) {
    expect(codeOf(sealer, tenant, id, sealed)).not.toBe('opened');
  }
  for (const name of ['__proto__', '../../a', 'constructor', '☃']) {
    expect(plainOf(made(), name, name, sealer.seal(name, name, name))).toBe(name);
    expect(codeOf(sealer, name, 'a', sealer.seal(name, name, name))).toBe('tampered');
  }
});

test('the same text is never sealed the same way twice', () => {
  const sealer = made();
  const nonces = Array.from({length: 5000}, () => sealer.seal('t', 'e', 'x').subarray(5, 17).toString('hex'));
  expect(new Set(nonces).size).toBe(5000);
  expect(new Set(nonces.map(nonce => nonce.slice(0, 8))).size).toBeGreaterThan(4900);
});

describe('rotation', () => {
  test('of the data key leaves what older keys have sealed readable', () => {
    const sealer = made();
    const old = sealer.seal('t', 'e', 'old');
    expect(sealer.rotateDataKey('t')).toBe(2);
    const young = sealer.seal('t', 'f', 'young');
    expect([old.readUInt32BE(1), young.readUInt32BE(1)]).toEqual([1, 2]);
    for (const each of [sealer, made()]) {
      expect(plainOf(each, 't', 'e', old)).toBe('old');
      expect(plainOf(each, 't', 'f', young)).toBe('young');
    }
  });

  test('by another process is learnt of when it is needed', () => {
    const [one, other] = [made(), made()];
    const sealed = one.seal('t', 'e', 'x');
    expect(plainOf(other, 't', 'e', sealed)).toBe('x');
    expect(one.rotateDataKey('t')).toBe(2);
    expect(other.rotateDataKey('t')).toBe(3);
    expect(plainOf(other, 't', 'f', one.seal('t', 'f', 'y'))).toBe('y');
  });

  test('of the master leaves the sealed as it is and makes the old master useless', () => {
    const sealer = made();
    const sealed = ['a', 'b'].map(tenant => [tenant, sealer.seal(tenant, 'e', tenant)] as const);
    expect(sealer.rewrap(second)).toBe(2);
    expect(sealer.rewrap(second)).toBe(0);
    for (const [tenant, bytes] of sealed) {
      expect(plainOf(sealer, tenant, 'e', bytes)).toBe(tenant);
      expect(plainOf(made({master: second}), tenant, 'e', bytes)).toBe(tenant);
      expect(codeOf(made(), tenant, 'e', bytes)).toBe('unknown-key');
    }
    expect(() => made().seal('a', 'e', 'x')).toThrow('give that one, too');
  });

  test('of the master that was broken off is finished with both', () => {
    const sealer = made();
    const sealed = ['a', 'b', 'c'].map(tenant => [tenant, sealer.seal(tenant, 'e', tenant)] as const);
    const folderKeys = new WrappedKeyFolder(folder);
    let left = 2;
    const failing = Object.assign(Object.create(folderKeys) as WrappedKeyFolder, {
      of: folderKeys.of.bind(folderKeys),
      all: folderKeys.all.bind(folderKeys),
      replace: (key: Parameters<WrappedKeyFolder['replace']>[0]) => {
        if (left-- === 0) throw new Error('power cut');
        folderKeys.replace(key);
      },
    });
    expect(() => made({keys: failing}).rewrap(second)).toThrow('power cut');
    const both = made({master: second, olderMasters: [first]});
    for (const [tenant, bytes] of sealed) expect(plainOf(both, tenant, 'e', bytes)).toBe(tenant);
    expect(both.rewrap(second)).toBe(1);
    for (const [tenant, bytes] of sealed) expect(plainOf(made({master: second}), tenant, 'e', bytes)).toBe(tenant);
  });

  test('comes by itself when a key has sealed as much as it may, also over restarts', () => {
    const sealer = made({budget: 3});
    const versions = Array.from({length: 7}, () => sealer.seal('t', 'e', 'x').readUInt32BE(1));
    expect(versions).toEqual([1, 1, 1, 2, 2, 2, 3]);
    // What was reserved counts as used.
    expect(made({budget: 3}).seal('t', 'e', 'x').readUInt32BE(1)).toBe(4);
  });
});

test('a stolen folder of keys opens nothing, and one that was changed is refused', () => {
  const sealed = made().seal('t', 'e', 'x');
  const file = join(folder, readdirSync(folder).find(name => name.endsWith('.json'))!);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(codeOf(made({master: second}), 't', 'e', sealed)).toBe('unknown-key');
  const good = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
  const bytes = Buffer.from(String(good['wrapped']), 'base64url');
  bytes[20] = (bytes[20] ?? 0) ^ 1;
  for (const bad of [{version: 2}, {wrapped: bytes.toString('base64url')}, {wrapped: ''}, {masterId: second.id}]) {
    writeFileSync(file, JSON.stringify({...good, ...bad}));
    const sealer = made({olderMasters: [second]});
    expect(codeOf(sealer, 't', 'e', sealed)).not.toBe('opened');
    expect(() => sealer.seal('t', 'e', 'x')).toThrow('was changed');
  }
  writeFileSync(file, JSON.stringify(good));
  expect(plainOf(made(), 't', 'e', sealed)).toBe('x');
});

test('what belongs to the hub itself is sealed too, under no name of a tenant', () => {
  const sealed = made().seal('', 'audit', 'somebody was refused');
  expect(plainOf(made(), '', 'audit', sealed)).toBe('somebody was refused');
  expect(codeOf(made(), 'acme', 'audit', sealed)).toBe('unknown-key');
});

test('a rewrap that cannot unwrap one of the keys changes none', () => {
  made().seal('a', 'e', 'x');
  new Sealer({master: second, keys: new WrappedKeyFolder(folder)}).seal('b', 'e', 'x');
  const masters = () => new WrappedKeyFolder(folder).all().map(({masterId}) => masterId);
  const before = masters();
  expect(() => made().rewrap(masterKey(randomBytes(32)))).toThrow(/wrapped by the master key/);
  expect(masters()).toEqual(before);
  const third = masterKey(randomBytes(32));
  expect(made({olderMasters: [second]}).rewrap(third)).toBe(2);
  expect(new Set(masters())).toEqual(new Set([third.id]));
});
