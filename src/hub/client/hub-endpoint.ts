import {readFileSync} from 'node:fs';
import {isLoopback} from '../../base/loopback.ts';
import {HUB_PATH} from '../../wire/hub-protocol.ts';
import {badOption} from './hub-error.ts';

/** PEM files of a client certificate. They are read again for each connection, so that short-lived ones can be renewed. */
export interface CertificatePaths {
  readonly certPath?: string | undefined;
  readonly keyPath?: string | undefined;
  /** Who signed the certificate of the hub; without it those that Node trusts. */
  readonly caPath?: string | undefined;
}

export interface EndpointOptions extends CertificatePaths {
  /**
   * Whether `ws://`, on which everybody on the way can read tokens and memories, may lead to another machine. Default: only where the
   * environment variable GODEL_HUB_PLAINTEXT is 1.
   */
  readonly allowPlaintext?: boolean | undefined;
}

export interface Certificates {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  readonly ca?: Buffer;
}

const QUIC =
  'quic:// is not spoken here: Node 20 has no stable QUIC, so a hub that says it speaks it does not. Use wss:// with client ' +
  'certificates (certPath, keyPath, caPath), which is what there is: encrypted, both sides certified, and it reconnects by itself';

/** The address of the WebSocket. Throws a HubError `bad-option` that says what to use instead. */
export function hubUrl(
  endpoint: string,
  {certPath, keyPath, caPath, allowPlaintext = process.env['GODEL_HUB_PLAINTEXT'] === '1'}: EndpointOptions = {},
): string {
  if (/^quic:/i.test(endpoint)) throw badOption(QUIC);
  const url = URL.canParse(endpoint) ? new URL(endpoint) : null;
  if (url === null || !/^wss?:$/.test(url.protocol)) {
    throw badOption(
      `The endpoint ${JSON.stringify(endpoint.slice(0, 200))} is none: use wss://host:port or ws://host:port`,
    );
  }
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    throw badOption('The endpoint has a user, password or fragment: give the token as `token` instead');
  }
  if ((certPath === undefined) !== (keyPath === undefined)) {
    throw badOption('A client certificate is a pair: give both certPath and keyPath');
  }
  if (url.protocol === 'ws:' && (certPath !== undefined || caPath !== undefined)) {
    throw badOption(`Certificates need an encrypted connection: use wss://${url.host}`);
  }
  if (url.protocol === 'ws:' && !allowPlaintext && !isLoopback(url.hostname)) {
    throw badOption(
      `On ws:// everybody on the way to ${url.host} can read the token and what agents remember: use wss://${url.host} (the hub has it with ` +
        '--tls-cert and --tls-key), or allow it with `allowPlaintext: true` or GODEL_HUB_PLAINTEXT=1',
    );
  }
  if (url.pathname === '/') url.pathname = HUB_PATH;
  return url.href;
}

/** Throws a HubError `bad-option` that names the file that cannot be read. */
export function readCertificates({certPath, keyPath, caPath}: CertificatePaths): Certificates {
  return {
    ...(certPath !== undefined && {cert: read(certPath, 'certPath')}),
    ...(keyPath !== undefined && {key: read(keyPath, 'keyPath')}),
    ...(caPath !== undefined && {ca: read(caPath, 'caPath')}),
  };
}

function read(path: string, option: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw badOption(`${option} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}
