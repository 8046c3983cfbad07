import {existsSync, mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {GodelError} from '../../model/failure.ts';
import {AuthorityFolder} from '../security/authority-folder.ts';
import type {IssuedToken} from '../security/issued-tokens.ts';
import type {Revocation} from '../security/revocations.ts';
import {createPrivateFile} from '../security/private-file.ts';
import type {TokenAlgorithm} from '../security/token-key.ts';
import {TokenKeys, type TokenKeyFacts, type TokenList} from '../security/token-keys.ts';
import {hubFolder, hubIdOf, isHubFolder} from '../server/parts/hub-folder.ts';
import {told} from './hub-failure.ts';
import {issueToken, type TokenWanted} from './issue-token.ts';

/** The keys of a hub, whether it runs or not: a hub that runs takes notice within a second. All reject with a `GodelError`. */
export class HubKeys {
  readonly #dbPath: string;
  readonly #folder;

  /** `dbPath` must be absolute; need not be there yet. */
  constructor(dbPath: string) {
    this.#dbPath = dbPath;
    this.#folder = hubFolder(dbPath);
  }

  get authorityFolder(): string {
    return this.#folder.authority;
  }

  /** `isNew`: of a hub that need not be there yet; its keys are made then, of this algorithm. One that has keys keeps its own. */
  async createToken(
    wanted: TokenWanted,
    {isNew = false, algorithm}: {readonly isNew?: boolean; readonly algorithm?: TokenAlgorithm | undefined} = {},
  ): Promise<IssuedToken & {readonly token: string}> {
    if (!isNew) this.#mustExist();
    if (algorithm !== undefined) await this.#told(() => this.#mustSignBy(algorithm));
    return issueToken(this.#dbPath, wanted);
  }

  /** One token, or all that an agent was given up to now. */
  revokeToken(
    what: {readonly tokenId: string} | {readonly agentId: string; readonly tenantId: string},
  ): Promise<Revocation> {
    return this.#told(() => {
      const keys = this.#tokens();
      return keys.revoke('tokenId' in what ? {kind: 'token', ...what} : {kind: 'agent', ...what});
    });
  }

  listTokens(): Promise<TokenList> {
    return this.#told(() => this.#tokens().list());
  }

  /** `algorithm` undefined: that of the key before; `olderLiveMs` null: as long as older tokens live. */
  rotateTokenKey(olderLiveMs: number | null, algorithm?: TokenAlgorithm): Promise<TokenKeyFacts> {
    return this.#told(() => this.#tokens().rotate({algorithm, ...(olderLiveMs !== null && {olderLiveMs})}));
  }

  initAuthority(options: {readonly name: string; readonly days: number}): Promise<AuthorityFolder> {
    return this.#told(() => {
      hubIdOf(this.#folder);
      return AuthorityFolder.init(this.#folder.authority, options);
    });
  }

  authority(): Promise<AuthorityFolder> {
    return this.#told(() => AuthorityFolder.open(this.#folder.authority));
  }

  /** What the authority does, with its errors told as ours. */
  async withAuthority<T>(body: (authority: AuthorityFolder) => Promise<T> | T): Promise<T> {
    const authority = await this.authority();
    return this.#told(() => body(authority));
  }

  #mustSignBy(algorithm: TokenAlgorithm): void {
    hubIdOf(this.#folder);
    const {algorithm: used} = TokenKeys.open(this.#folder.tokens, {algorithm}).signing;
    if (used === algorithm) return;
    const hint = `\`godel hub token rotate --algorithm ${algorithm}\` makes a key for that.`;
    throw new GodelError({reason: 'usage', message: `the hub signs its tokens by ${used}, not by ${algorithm}`, hint});
  }

  #tokens(): TokenKeys {
    this.#mustExist();
    hubIdOf(this.#folder);
    return TokenKeys.open(this.#folder.tokens);
  }

  /** What is asked in the wrong folder must not make the keys of another hub there. */
  #mustExist(): void {
    if (existsSync(this.#dbPath) || isHubFolder(this.#folder)) return;
    const hint =
      'Name its database with --db, start one with `godel hub serve`, or give `godel hub token create` --new to make tokens of a hub that is started later.';
    throw new GodelError({reason: 'usage', message: `no hub has its database at ${this.#dbPath}`, hint});
  }

  #told<T>(body: () => Promise<T> | T): Promise<T> {
    return told({where: this.#folder.path}, body);
  }
}

/** Certificate and key as `NAME.pem` and `NAME.key`, readable for their owner alone, and `ca.pem`. Throws where one is there. */
export function writeIssued(
  folder: string,
  name: string,
  issued: {readonly certificate: string; readonly privateKey: string; readonly authority: string},
): void {
  mkdirSync(folder, {recursive: true, mode: 0o700});
  const key = join(folder, `${name}.key`);
  const certificate = join(folder, `${name}.pem`);
  if (existsSync(certificate) || !createPrivateFile(key, `${issued.privateKey}\n`)) {
    const hint = 'Name another folder with --out, or move it away.';
    const path = existsSync(certificate) ? certificate : key;
    throw new GodelError({reason: 'usage', message: `${path} is there already, and nothing is written over it`, hint});
  }
  writeFileSync(certificate, `${issued.certificate}\n`, {flag: 'wx'});
  writeFileSync(join(folder, 'ca.pem'), `${issued.authority}\n`);
}

export type {TokenAlgorithm};
