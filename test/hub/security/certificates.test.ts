import {webcrypto, X509Certificate} from 'node:crypto';
import {once} from 'node:events';
import {mkdtempSync, readdirSync, rmSync, statSync} from 'node:fs';
import type {AddressInfo} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import tls from 'node:tls';
import {afterEach, beforeAll, beforeEach, describe, expect, test} from 'vitest';
import {AuthorityFolder} from '../../../src/hub/security/authority-folder.ts';
import {identityOfCertificate, identityUri, isSameAgent} from '../../../src/hub/security/certificate-identity.ts';
import {
  createAuthority,
  createRevocationList,
  hubTlsOptions,
  type IssuedCertificate,
  issueCertificate,
  issueServerCertificate,
  type KeyedCertificate,
} from '../../../src/hub/security/certificates.ts';
import {SubjectAlternativeNameExtension, X509CertificateGenerator} from '../../../src/hub/security/x509.ts';

const DAY_MS = 86_400_000;
const who = {agentId: 'pi-07', tenantId: 'acme', role: 'coordinator'} as const;
let authority: KeyedCertificate;
let other: KeyedCertificate;
let server: IssuedCertificate;
let client: IssuedCertificate;

beforeAll(async () => {
  [authority, other] = await Promise.all([createAuthority(), createAuthority()]);
  server = await issueServerCertificate(authority);
  client = await issueCertificate(authority, who);
});

const codeOf = (error: Error) => ('code' in error ? error.code : error.message);

/** What the hub makes of a client: who it is, or the code with which the connection was refused. */
async function meet({
  shown = client,
  trusted = authority.certificate,
  crl,
  served = server,
  host = '127.0.0.1',
}: {
  shown?: {certificate: string; privateKey: string} | null;
  trusted?: string;
  crl?: string;
  served?: KeyedCertificate;
  host?: string;
}): Promise<{identity: unknown; refused: unknown}> {
  const options = hubTlsOptions({
    ca: authority.certificate,
    cert: served.certificate,
    key: served.privateKey,
    ...(crl === undefined ? {} : {crl}),
  });
  let refused: unknown = null;
  let identity: unknown = null;
  let atClient: unknown = null;
  const listener = tls.createServer(options, socket => {
    socket.on('error', () => undefined);
    const read = identityOfCertificate(socket.getPeerCertificate(true));
    identity = socket.authorized && read.ok ? read.value : read;
    socket.end('welcome');
  });
  listener.on('tlsClientError', (error, {authorizationError}) => {
    // Node's types say Error and always; it is the code, and null where there was no certificate to refuse.
    const why: unknown = authorizationError;
    refused ??= why ?? codeOf(error);
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const {port} = listener.address() as AddressInfo;
  const socket = tls.connect({
    host: '127.0.0.1',
    port,
    servername: host === '127.0.0.1' ? '' : host,
    checkServerIdentity: (_, certificate) => tls.checkServerIdentity(host, certificate),
    ca: trusted,
    ...(shown === null ? {} : {cert: shown.certificate, key: shown.privateKey}),
  });
  socket.on('error', (error: Error) => {
    atClient = codeOf(error);
  });
  socket.resume();
  await new Promise(resolve => socket.once('close', resolve));
  await new Promise(resolve => listener.close(resolve));
  return {identity, refused: refused ?? atClient};
}

describe('a TLS connection', () => {
  test('of an agent with a certificate is that agent’s', async () => {
    const {identity, refused} = await meet({});
    expect(refused).toBeNull();
    expect(identity).toEqual({...who, tokenId: `certificate:${client.serial}`, expiresAtMs: client.expiresAtMs});
  });

  test('is made by name as well as by address, and by no other name', async () => {
    expect((await meet({host: 'localhost'})).refused).toBeNull();
    expect((await meet({host: 'example.com'})).refused).toBe('ERR_TLS_CERT_ALTNAME_INVALID');
  });

  test('without a certificate, or with that of another authority, is refused', async () => {
    expect(await meet({shown: null})).toMatchObject({
      identity: null,
      refused: 'ERR_SSL_PEER_DID_NOT_RETURN_A_CERTIFICATE',
    });
    const foreign = await issueCertificate(other, who);
    expect((await meet({shown: foreign})).identity).toBeNull();
    expect((await meet({shown: foreign})).refused).not.toBeNull();
    expect((await meet({trusted: other.certificate})).refused).not.toBeNull();
  });

  test('with a certificate that has expired, or is not yet good, is refused', async () => {
    const expired = await issueCertificate(authority, {...who, days: 1, nowMs: Date.now() - DAY_MS - 60_000});
    expect(await meet({shown: expired})).toMatchObject({identity: null, refused: 'CERT_HAS_EXPIRED'});
    const early = await issueCertificate(authority, {...who, nowMs: Date.now() + DAY_MS});
    expect(await meet({shown: early})).toMatchObject({identity: null, refused: 'CERT_NOT_YET_VALID'});
  });

  test('with a certificate that was revoked is refused, and others are not', async () => {
    const crl = await createRevocationList(authority, [{serial: client.serial, atMs: Date.now()}]);
    expect(await meet({crl})).toMatchObject({identity: null, refused: 'CERT_REVOKED'});
    expect((await meet({crl, shown: await issueCertificate(authority, who)})).refused).toBeNull();
    expect((await meet({crl: await createRevocationList(authority, [])})).refused).toBeNull();
  });

  test('is not resumed, least of all by who was revoked in the meantime', async () => {
    const options = hubTlsOptions({ca: authority.certificate, cert: server.certificate, key: server.privateKey});
    const listener = tls.createServer(options, socket => socket.on('error', () => undefined).end('welcome'));
    listener.listen(0, '127.0.0.1');
    await once(listener, 'listening');
    let session: Buffer | undefined;
    const visit = async () => {
      const {port} = listener.address() as AddressInfo;
      const own = {ca: authority.certificate, cert: client.certificate, key: client.privateKey};
      const socket = tls.connect({host: '127.0.0.1', port, ...own, ...(session === undefined ? {} : {session})});
      let read = '';
      socket.on('session', (given: Buffer) => {
        session = given;
      });
      socket.setEncoding('utf8').on('data', (text: string) => {
        read += text;
      });
      socket.on('secureConnect', () => {
        if (socket.isSessionReused()) read += 'resumed ';
      });
      socket.on('error', () => undefined);
      await new Promise(resolve => socket.once('close', resolve));
      return read;
    };
    expect([await visit(), await visit()]).toEqual(['welcome', 'welcome']);
    const crl = await createRevocationList(authority, [{serial: client.serial, atMs: Date.now()}]);
    listener.setSecureContext({...options, crl});
    expect(await visit()).toBe('');
    await new Promise(resolve => listener.close(resolve));
  });

  test('of a client that shows the hub’s certificate, or a hub that shows a client’s, is refused', async () => {
    expect((await meet({shown: server})).identity).toBeNull();
    expect((await meet({served: client})).refused).not.toBeNull();
  });

  test('with a certificate that an agent has signed for itself is refused', async () => {
    const forged = await issueCertificate(
      {certificate: authority.certificate, privateKey: client.privateKey},
      {...who, days: 1},
    );
    expect((await meet({shown: forged})).identity).toBeNull();
    const below = await issueCertificate(client, {...who, days: 1});
    const chain = {...below, certificate: `${below.certificate}\n${client.certificate}`};
    expect((await meet({shown: chain})).identity).toBeNull();
  });
});

test.each([
  '../../etc',
  '__proto__',
  'a/b?role=admin#c',
  'x, DNS:evil',
  '☃ 東京',
  'a%2Fb',
  "o'neil (*!)",
  '.',
  'a b&c=d',
  'x'.repeat(200),
])('the name %j is carried as it is', async name => {
  const {certificate} = await issueCertificate(authority, {agentId: name, tenantId: name});
  const read = identityOfCertificate(new X509Certificate(certificate));
  expect(read).toMatchObject({ok: true, value: {agentId: name, tenantId: name, role: 'worker'}});
});

test('certificates end when it was said, within the bounds of their kind', async () => {
  const facts = new X509Certificate(client.certificate);
  expect(Date.parse(facts.validTo) - Date.now()).toBeGreaterThan(6.9 * DAY_MS);
  expect(Date.parse(facts.validTo) - Date.now()).toBeLessThan(7.1 * DAY_MS);
  expect(facts.verify(new X509Certificate(authority.certificate).publicKey)).toBe(true);
  expect([facts.ca, new X509Certificate(authority.certificate).ca]).toEqual([false, true]);
  for (const days of [0, -1, 367, Number.NaN, Infinity]) {
    await expect(issueCertificate(authority, {...who, days})).rejects.toThrow('days is');
  }
  const brief = await createAuthority({days: 3});
  await expect(issueCertificate(brief, who)).rejects.toThrow('The authority ends');
  await expect(issueCertificate(authority, {...who, agentId: 'a\0'})).rejects.toThrow('The name of the agent');
  await expect(issueServerCertificate(authority, {hosts: ['a b']})).rejects.toThrow('no host name');
});

test('a certificate without exactly one identity has none', async () => {
  expect(identityOfCertificate({}).ok).toBe(false);
  expect(identityOfCertificate({raw: Buffer.from('junk')}).ok).toBe(false);
  for (const pem of [server.certificate, authority.certificate]) {
    expect(identityOfCertificate(new X509Certificate(pem)).ok).toBe(false);
  }
  const keys = await webcrypto.subtle.generateKey({name: 'ECDSA', namedCurve: 'P-256'}, true, ['sign', 'verify']);
  const says = async (...uris: readonly string[]) => {
    const names = uris.map(value => ({type: 'url' as const, value}));
    const certificate = await X509CertificateGenerator.createSelfSigned(
      {
        signingAlgorithm: {name: 'ECDSA', hash: 'SHA-256'},
        keys,
        extensions: [new SubjectAlternativeNameExtension(names)],
      },
      webcrypto,
    );
    const read = identityOfCertificate({raw: new Uint8Array(certificate.rawData)});
    return read.ok ? `${read.value.tenantId} ${read.value.agentId} ${read.value.role}` : read.failure.code;
  };
  expect(await says('godel://a/b?role=admin')).toBe('a b admin');
  expect(await says('https://example.com/', 'godel://a/b?role=admin')).toBe('a b admin');
  expect(await says('godel://a/b?role=admin', 'godel://a/c?role=worker')).toBe('token-invalid');
  const odd = [
    '//a/b?role=root',
    '//a/b',
    '//a/b?role=',
    '//a?role=admin',
    '///b?role=admin',
    '//a/b/c?role=admin',
    'a/b?role=admin',
  ];
  const encoded = [
    '//a/%62?role=admin',
    '//a/%2f?role=admin',
    '//a/%?role=admin',
    '//a/%00?role=admin',
    '//a/%ff?role=admin',
  ];
  for (const uri of [
    ...odd,
    ...encoded,
    '//a/b?role=admin&role=worker',
    '//a/b?role=admin#x',
    '//a/b?role=admin\n',
    '//a/b?role=admin, URI:godel://c/d?role=admin',
  ]) {
    expect(await says(`godel:${uri}`), uri).toBe('token-invalid');
  }
});

test('two proofs of one agent agree', () => {
  const identity = {...who, tokenId: 'x', expiresAtMs: 0};
  expect(isSameAgent(identity, {...identity, role: 'worker', tokenId: 'y'})).toBe(true);
  expect(isSameAgent(identity, {...identity, tenantId: 'other'})).toBe(false);
  expect(isSameAgent(identity, {...identity, agentId: 'other'})).toBe(false);
  expect(identityUri({...who, agentId: 'a/b'})).toBe('godel://acme/a%2Fb?role=coordinator');
});

describe('the folder of an authority', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'godel-ca-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  test('is made once, for its owner alone', async () => {
    const [one, two] = await Promise.all([AuthorityFolder.init(folder), AuthorityFolder.init(folder)]);
    expect(one.certificate).toBe(two.certificate);
    expect((await AuthorityFolder.init(folder)).certificate).toBe(one.certificate);
    for (const name of readdirSync(folder)) expect(statSync(join(folder, name)).mode & 0o077).toBe(0);
    expect(() => AuthorityFolder.open(join(folder, 'issued'))).toThrow('godel hub cert init');
  });

  test('issues, lists and revokes, also twice at once', async () => {
    const opened = await AuthorityFolder.init(folder);
    const [a, b, c] = await Promise.all(['a', 'b', 'c'].map(agentId => opened.issue({agentId, tenantId: 't'})));
    await Promise.all([
      opened.revoke({serial: a!.serial.toUpperCase()}),
      AuthorityFolder.open(folder).revoke({agentId: 'b', tenantId: 't'}),
    ]);
    expect(await opened.revoke({agentId: 'c', tenantId: 'other'})).toEqual([]);
    const listed = new Map(
      AuthorityFolder.open(folder)
        .list()
        .map(each => [each.agentId, each.revoked]),
    );
    expect(listed).toEqual(new Map(Object.entries({a: true, b: true, c: false})));
    const served = await opened.issueServer();
    const crl = opened.revocationList;
    authority = {certificate: opened.certificate, privateKey: ''};
    expect((await meet({crl, served, shown: a!, trusted: opened.certificate})).refused).toBe('CERT_REVOKED');
    expect((await meet({crl, served, shown: b!, trusted: opened.certificate})).refused).toBe('CERT_REVOKED');
    expect((await meet({crl, served, shown: c!, trusted: opened.certificate})).identity).toMatchObject({agentId: 'c'});
  });

  test('whichever of many revocations at once is written last, the list has all of them', async () => {
    const opened = await AuthorityFolder.init(folder);
    const agents = Array.from({length: 12}, (_, index) => String(index));
    await Promise.all(agents.map(agentId => opened.issue({agentId, tenantId: 't'})));
    await Promise.all(agents.map(agentId => AuthorityFolder.open(folder).revoke({agentId, tenantId: 't'})));
    const der = Buffer.from(opened.revocationList.replaceAll(/-----.*-----|\n/g, ''), 'base64').toString('hex');
    for (const {serial, revoked} of opened.list()) expect([revoked, der.includes(serial)]).toEqual([true, true]);
  });
});
