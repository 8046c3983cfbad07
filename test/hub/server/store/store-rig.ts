import {createCipheriv, createDecipheriv, createHmac, randomBytes} from 'node:crypto';
import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import Database from 'better-sqlite3';
import {fail, ok} from '../../../../src/base/result.ts';
import type {Seal} from '../../../../src/hub/server/store/bodies.ts';
import {type HubStoreOptions, openHubStore} from '../../../../src/hub/server/store/open-hub-store.ts';
import type {SqliteHubStore} from '../../../../src/hub/server/store/sqlite-hub-store.ts';
import type {Failure} from '../../../../src/model/failure.ts';

/** More bytes than any test has. */
export const MANY = 1e9;

/** A folder with a hub's database, gone at the end of the test. */
export class StoreRig implements Disposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'godel-hub-store-'));
  readonly file = join(this.folder, 'hub.db');
  readonly #opened: SqliteHubStore[] = [];

  open(options: Partial<HubStoreOptions> = {}): SqliteHubStore {
    const result = openHubStore({file: this.file, ...options});
    if (!result.ok) throw new Error(JSON.stringify(result.failure));
    this.#opened.push(result.value);
    return result.value;
  }

  refused(options: Partial<HubStoreOptions> = {}): Failure {
    const result = openHubStore({file: this.file, ...options});
    if (result.ok) result.value.close();
    if (result.ok) throw new Error('the database was opened');
    return result.failure;
  }

  /** Does to the closed database what nobody should. */
  alter(sql: string): void {
    const db = new Database(this.file);
    db.unsafeMode();
    db.exec(sql);
    db.close();
  }

  /** The bytes of the database and of what lies beside it. */
  bytes(): Buffer {
    const names = readdirSync(this.folder).filter(name => name.startsWith('hub.db'));
    return Buffer.concat(names.map(name => readFileSync(join(this.folder, name))));
  }

  [Symbol.dispose](): void {
    for (const store of this.#opened) store.close();
    if (existsSync(this.folder)) rmSync(this.folder, {recursive: true});
  }
}

/** AES-256-GCM with one key for all tenants. */
export function sealWith(key: Buffer): Seal {
  const context = (tenant: string, id: string) => Buffer.from(JSON.stringify([tenant, id]));
  return {
    seal(tenant, id, plain) {
      const nonce = randomBytes(12);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(context(tenant, id));
      const sealed = Buffer.concat([cipher.update(plain), cipher.final()]);
      return Buffer.concat([nonce, cipher.getAuthTag(), sealed]);
    },
    mark(tenant, text) {
      return createHmac('sha256', key)
        .update(JSON.stringify([tenant, text]))
        .digest('base64url');
    },
    open(tenant, id, sealed) {
      try {
        const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, 12)).setAAD(context(tenant, id));
        decipher.setAuthTag(sealed.subarray(12, 28));
        return ok(Buffer.concat([decipher.update(sealed.subarray(28)), decipher.final()]));
      } catch (error) {
        return fail({message: String(error)});
      }
    },
  };
}
