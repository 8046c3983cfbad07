import {readFileSync, statSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {hubTlsOptions} from '../security/certificates.ts';
import type {HubTls} from '../server/hub-server.ts';

export interface TlsPaths {
  readonly cert: string;
  readonly key: string;
  /** The authority whose certificates clients must show; `crl.pem` beside it lists those that were revoked. null: none are asked for. */
  readonly clientCa: string | null;
}

/** The files a hub speaks TLS with, read again when one of them has changed. */
export class TlsFiles {
  readonly #paths: TlsPaths;
  #stamp = '';

  constructor(paths: TlsPaths) {
    this.#paths = paths;
  }

  /** Throws when one of them cannot be read. */
  read(): HubTls {
    const {cert, key, clientCa} = this.#paths;
    this.#stamp = this.#stampNow();
    const own = {cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8')};
    if (clientCa === null) return own;
    const crl = readIfThere(crlOf(clientCa));
    return hubTlsOptions({...own, ca: readFileSync(clientCa, 'utf8'), ...(crl !== null && {crl})});
  }

  /** Null: nothing has changed since they were read. */
  changed(): HubTls | null {
    return this.#stampNow() === this.#stamp ? null : this.read();
  }

  #stampNow(): string {
    const {cert, key, clientCa} = this.#paths;
    const files = [cert, key, ...(clientCa === null ? [] : [clientCa, crlOf(clientCa)])];
    return files
      .map(file => statSync(file, {throwIfNoEntry: false}))
      .map(found => (found === undefined ? '-' : `${found.mtimeMs}/${found.ino}/${found.size}`))
      .join(' ');
  }
}

function crlOf(clientCa: string): string {
  return join(dirname(clientCa), 'crl.pem');
}

function readIfThere(file: string): string | null {
  return statSync(file, {throwIfNoEntry: false}) === undefined ? null : readFileSync(file, 'utf8');
}
