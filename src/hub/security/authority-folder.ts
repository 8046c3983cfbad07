import {join} from 'node:path';
import type {HubRole} from '../../model/hub.ts';
import {certificateTokenId} from './certificate-identity.ts';
import {
  createAuthority,
  createRevocationList,
  type IssuedCertificate,
  issueCertificate,
  issueServerCertificate,
  type KeyedCertificate,
} from './certificates.ts';
import {type IssuedToken, IssuedTokens} from './issued-tokens.ts';
import {OperatorNotes} from './operator-notes.ts';
import {createPrivateFile, makePrivateFolder, readPrivateFile, writePrivateFile} from './private-file.ts';
import {Revocations} from './revocations.ts';
import {FolderShelf} from './shelf.ts';

/** A certificate that was issued; the certificate itself is nowhere kept. */
export interface ListedCertificate extends IssuedToken {
  readonly serial: string;
  readonly revoked: boolean;
}

const PREFIX = certificateTokenId('');

/**
 * The authority of one hub in a folder: its key and certificate, what it has issued, and `crl.pem`, the list of what was revoked.
 * Several processes may use it at the same time.
 */
export class AuthorityFolder {
  readonly #folder: string;
  readonly #authority: KeyedCertificate;
  readonly #issued: IssuedTokens;
  readonly #revocations: Revocations;
  readonly #notes: OperatorNotes;

  private constructor(folder: string, authority: KeyedCertificate) {
    this.#folder = folder;
    this.#authority = authority;
    this.#issued = new IssuedTokens(new FolderShelf(join(folder, 'issued')));
    this.#revocations = new Revocations(new FolderShelf(join(folder, 'revoked')));
    this.#notes = new OperatorNotes(new FolderShelf(join(folder, 'notes')));
  }

  /** Makes an authority, or opens the one that is there. Throws with the fix when others may read the folder. */
  static async init(folder: string, options: Parameters<typeof createAuthority>[0] = {}): Promise<AuthorityFolder> {
    makePrivateFolder(folder);
    if (readPrivateFile(fileOf(folder)) === null) {
      // Key and certificate are one file, so that of several that make one no two are mixed.
      createPrivateFile(fileOf(folder), `${JSON.stringify(await createAuthority(options))}\n`);
    }
    const opened = AuthorityFolder.open(folder);
    writePrivateFile(join(folder, 'ca.pem'), `${opened.certificate}\n`);
    await opened.#writeList();
    return opened;
  }

  /** Throws with the fix when there is none, or others may read it. */
  static open(folder: string): AuthorityFolder {
    const text = readPrivateFile(fileOf(folder));
    if (text === null) throw new Error(`There is no authority in ${folder}: make one with godel hub cert init`);
    return new AuthorityFolder(folder, parse(text, fileOf(folder)));
  }

  /** PEM: what clients and hub trust. */
  get certificate(): string {
    return this.#authority.certificate;
  }

  /** PEM: what was revoked, as the hub loads it. */
  get revocationList(): string {
    const text = readPrivateFile(join(this.#folder, 'crl.pem'));
    if (text === null) throw new Error(`There is no crl.pem in ${this.#folder}: make it anew with godel hub cert init`);
    return text;
  }

  async issue(wanted: {
    readonly agentId: string;
    readonly tenantId: string;
    readonly role?: HubRole;
    readonly days?: number;
    readonly nowMs?: number;
  }): Promise<IssuedCertificate> {
    const {agentId, tenantId, role = 'worker', nowMs = Date.now()} = wanted;
    const issued = await issueCertificate(this.#authority, wanted);
    const {serial, expiresAtMs} = issued;
    this.#issued.record({
      tokenId: certificateTokenId(serial),
      agentId,
      tenantId,
      role,
      issuedAtMs: nowMs,
      expiresAtMs,
    });
    const detail = {agentId, serial, role, expiresAtMs};
    this.#notes.add({atMs: nowMs, tenant: tenantId, what: 'issue-certificate', detail});
    return issued;
  }

  async issueServer(wanted: Parameters<typeof issueServerCertificate>[1] = {}): Promise<IssuedCertificate> {
    const issued = await issueServerCertificate(this.#authority, wanted);
    const {serial, expiresAtMs} = issued;
    const detail = {agentId: null, serial, hosts: [...(wanted.hosts ?? [])], expiresAtMs};
    this.#notes.add({atMs: Date.now(), tenant: null, what: 'issue-certificate', detail});
    return issued;
  }

  /** Refuses one certificate, or all of an agent, once the hub has loaded `crl.pem` again. Returns the serials it
   * has revoked. Throws on a serial that none in force has. */
  async revoke(
    what: {readonly serial: string} | {readonly agentId: string; readonly tenantId: string},
    nowMs = Date.now(),
  ): Promise<readonly string[]> {
    const doomed = this.list(nowMs).filter(({serial, agentId, tenantId}) =>
      'serial' in what ? serial === what.serial.toLowerCase() : agentId === what.agentId && tenantId === what.tenantId,
    );
    if ('serial' in what && doomed.length === 0) {
      throw new Error(
        `No certificate ${JSON.stringify(what.serial.slice(0, 60))} is in force: godel hub cert list shows those that are`,
      );
    }
    for (const {tokenId, agentId, tenantId: tenant, serial, expiresAtMs} of doomed) {
      this.#revocations.add({kind: 'token', tokenId, atMs: nowMs, endsAtMs: expiresAtMs});
      this.#notes.add({atMs: nowMs, tenant, what: 'revoke-certificate', detail: {agentId, serial}});
    }
    await this.#writeList(nowMs);
    return doomed.map(({serial}) => serial);
  }

  /** What was issued to agents and has not expired. */
  list(nowMs = Date.now()): readonly ListedCertificate[] {
    const revoked = new Set(this.#revoked(nowMs).map(({serial}) => serial));
    return this.#issued.list(nowMs).map(issued => {
      const serial = issued.tokenId.slice(PREFIX.length);
      return {...issued, serial, revoked: revoked.has(serial)};
    });
  }

  #revoked(nowMs: number): readonly {readonly serial: string; readonly atMs: number}[] {
    return this.#revocations
      .list(nowMs)
      .flatMap(each => (each.kind === 'token' ? [{serial: each.tokenId.slice(PREFIX.length), atMs: each.atMs}] : []));
  }

  /** Again when somebody has revoked in between: whoever writes last has seen all. */
  async #writeList(nowMs = Date.now()): Promise<void> {
    for (let written = -1; ; ) {
      const revoked = this.#revoked(nowMs);
      if (revoked.length === written) return;
      writePrivateFile(join(this.#folder, 'crl.pem'), await createRevocationList(this.#authority, revoked, nowMs));
      written = revoked.length;
    }
  }
}

function fileOf(folder: string): string {
  return join(folder, 'authority.json');
}

function parse(text: string, file: string): KeyedCertificate {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value === 'object' && value !== null && 'certificate' in value && 'privateKey' in value) {
      const {certificate, privateKey} = value;
      if (typeof certificate === 'string' && typeof privateKey === 'string') return {certificate, privateKey};
    }
  } catch {
    // Said below.
  }
  throw new Error(`${file} is no authority: restore it from a backup, or remove it and issue all certificates anew`);
}
