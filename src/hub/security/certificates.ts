import {constants, createPrivateKey, type webcrypto as WebCrypto, randomBytes, webcrypto} from 'node:crypto';
import {isIP} from 'node:net';
import type {HubRole} from '../../model/hub.ts';
import {identityUri} from './certificate-identity.ts';
import {checkName} from './names.ts';
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  type Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
  X509Crl,
  X509CrlGenerator,
  X509CrlReason,
} from './x509.ts';

/** A certificate and its private key (PKCS #8), both PEM. */
export interface KeyedCertificate {
  readonly certificate: string;
  readonly privateKey: string;
}

export interface IssuedCertificate extends KeyedCertificate {
  /** Hexadecimal. */
  readonly serial: string;
  /** Unix epoch, milliseconds. */
  readonly expiresAtMs: number;
}

/** ECDSA on P-256: what every TLS library takes, and Node makes without experimental parts. */
const ALGORITHM = {name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256'} as const;
const DAY_MS = 86_400_000;

/** Clocks of clients may be this far behind, in milliseconds. */
const BACKDATED_MS = 5 * 60_000;

/** A certificate authority for one hub; it may sign no other authority. `days`: up to 3660. */
export async function createAuthority({
  name = 'godel hub',
  days = 3650,
  nowMs = Date.now(),
}: {
  readonly name?: string;
  readonly days?: number;
  readonly nowMs?: number;
} = {}): Promise<KeyedCertificate> {
  checkName(name, 'The name of the authority');
  checkDays(days, 3660);
  const keys = await newKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      ...validity(nowMs, nowMs + days * DAY_MS),
      name: [{CN: [name]}],
      signingAlgorithm: ALGORITHM,
      keys,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
      ],
    },
    webcrypto,
  );
  return {certificate: certificate.toString('pem'), privateKey: await privateText(keys)};
}

/** A certificate with which an agent connects. `days` (7 unless said, up to 366): short lives need no list of what was revoked. */
export async function issueCertificate(
  authority: KeyedCertificate,
  {
    agentId,
    tenantId,
    role = 'worker',
    days = 7,
    nowMs = Date.now(),
  }: {
    readonly agentId: string;
    readonly tenantId: string;
    readonly role?: HubRole;
    readonly days?: number;
    readonly nowMs?: number;
  },
): Promise<IssuedCertificate> {
  checkName(agentId, 'The name of the agent');
  checkName(tenantId, 'The name of the tenant');
  const names = new SubjectAlternativeNameExtension(
    [{type: 'url', value: identityUri({agentId, tenantId, role})}],
    true,
  );
  return issue(authority, {usage: ExtendedKeyUsage.clientAuth, names, days, nowMs});
}

/** The certificate of the hub itself, for the names and addresses that it is reached by. `days`: up to 366. */
export async function issueServerCertificate(
  authority: KeyedCertificate,
  {
    hosts = ['localhost', '127.0.0.1', '::1'],
    days = 90,
    nowMs = Date.now(),
  }: {readonly hosts?: readonly string[]; readonly days?: number; readonly nowMs?: number} = {},
): Promise<IssuedCertificate> {
  if (hosts.length === 0 || hosts.length > 100) throw new RangeError('A server has 1 to 100 names or addresses');
  for (const host of hosts) {
    if (isIP(host) === 0 && !/^(\*\.)?[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$/i.test(host)) {
      throw new TypeError(`${JSON.stringify(host.slice(0, 60))} is no host name or address`);
    }
  }
  const names = hosts.map(host => ({type: isIP(host) === 0 ? ('dns' as const) : ('ip' as const), value: host}));
  const extension = new SubjectAlternativeNameExtension(names, true);
  return issue(authority, {usage: ExtendedKeyUsage.serverAuth, names: extension, days, nowMs});
}

/** The signed list (PEM) of certificates that are refused before their end; it holds as long as its authority. */
export async function createRevocationList(
  authority: KeyedCertificate,
  revoked: readonly {readonly serial: string; readonly atMs: number}[],
  nowMs = Date.now(),
): Promise<string> {
  const issuer = new X509Certificate(authority.certificate);
  const crl = await X509CrlGenerator.create(
    {
      issuer: issuer.subjectName.toJSON(),
      thisUpdate: new Date(nowMs - BACKDATED_MS),
      nextUpdate: issuer.notAfter,
      signingAlgorithm: ALGORITHM,
      signingKey: await privateKeyOf(authority),
      entries: revoked.map(({serial, atMs}) => ({
        serialNumber: serial,
        revocationDate: new Date(atMs),
        reason: X509CrlReason.unspecified,
      })),
    },
    webcrypto,
  );
  // The library's own label for it is one that OpenSSL does not read.
  const lines =
    Buffer.from(crl.rawData)
      .toString('base64')
      .match(/.{1,64}/g) ?? [];
  return `-----BEGIN X509 CRL-----\n${lines.join('\n')}\n-----END X509 CRL-----\n`;
}

/** The serial numbers (lower-case hexadecimal) that a revocation list (PEM) names. Throws when it is none. */
export function revokedSerials(list: string): ReadonlySet<string> {
  const bytes = Buffer.from(list.replaceAll(/-----[^-]+-----/g, ''), 'base64');
  return new Set(new X509Crl(bytes).entries.map(({serialNumber}) => serialNumber.toLowerCase()));
}

/**
 * How a hub listens for clients with certificates, for `https.createServer` and `tls.createServer`. Sessions are not resumed: Node asks
 * neither the list nor the end of the certificate again when they are.
 */
export function hubTlsOptions(files: {
  readonly ca: string;
  readonly cert: string;
  readonly key: string;
  readonly crl?: string;
}) {
  return {
    ...files,
    requestCert: true,
    rejectUnauthorized: true,
    minVersion: 'TLSv1.3',
    secureOptions: constants.SSL_OP_NO_TICKET,
  } as const;
}

interface Wanted {
  readonly usage: ExtendedKeyUsage;
  readonly names: Extension;
  readonly days: number;
  readonly nowMs: number;
}

async function issue(authority: KeyedCertificate, {usage, names, days, nowMs}: Wanted): Promise<IssuedCertificate> {
  checkDays(days, 366);
  const issuer = new X509Certificate(authority.certificate);
  const expiresAtMs = nowMs + days * DAY_MS;
  if (expiresAtMs > issuer.notAfter.getTime()) {
    throw new RangeError(
      `The authority ends on ${issuer.notAfter.toISOString()}, before this certificate would: make another`,
    );
  }
  const keys = await newKeys();
  const times = validity(nowMs, expiresAtMs);
  const certificate = await X509CertificateGenerator.create(
    {
      ...times,
      // Who it is for stands in its alternative name alone, which is why that is critical (RFC 5280, 4.2.1.6).
      subject: [],
      issuer: issuer.subjectName.toJSON(),
      signingAlgorithm: ALGORITHM,
      publicKey: keys.publicKey,
      signingKey: await privateKeyOf(authority),
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([usage], true),
        names,
        await SubjectKeyIdentifierExtension.create(keys.publicKey),
        await AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      ],
    },
    webcrypto,
  );
  return {
    certificate: certificate.toString('pem'),
    privateKey: await privateText(keys),
    serial: times.serialNumber,
    expiresAtMs: times.notAfter.getTime(),
  };
}

function validity(nowMs: number, endsAtMs: number): {serialNumber: string; notBefore: Date; notAfter: Date} {
  const serial = randomBytes(16);
  // Positive and without leading zeros, so that every program writes it the same way.
  serial[0] = ((serial[0] ?? 0) & 0x3f) | 0x40;
  // Certificates have whole seconds.
  const notAfter = new Date(Math.floor(endsAtMs / 1000) * 1000);
  return {serialNumber: serial.toString('hex'), notBefore: new Date(nowMs - BACKDATED_MS), notAfter};
}

function checkDays(days: number, most: number): void {
  if (!(days > 0 && days <= most)) throw new RangeError(`days is ${days}: use more than 0 and at most ${most}`);
}

async function newKeys(): Promise<WebCrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ['sign', 'verify']);
}

async function privateText({privateKey}: WebCrypto.CryptoKeyPair): Promise<string> {
  const der = await webcrypto.subtle.exportKey('pkcs8', privateKey);
  return createPrivateKey({key: Buffer.from(der), format: 'der', type: 'pkcs8'})
    .export({format: 'pem', type: 'pkcs8'})
    .toString();
}

async function privateKeyOf({privateKey}: KeyedCertificate): Promise<WebCrypto.CryptoKey> {
  const der = createPrivateKey(privateKey).export({format: 'der', type: 'pkcs8'});
  return webcrypto.subtle.importKey('pkcs8', der, ALGORITHM, false, ['sign']);
}
