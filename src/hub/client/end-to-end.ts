import {readTenantSecret, type TenantSecret} from '../security/end-to-end.ts';
import {readPrivateFile} from '../security/private-file.ts';
import {TenantSeal} from '../security/tenant-seal.ts';
import {badOption} from './hub-error.ts';

/** 32 random bytes: as bytes, as text (64 hexadecimal digits, or base64), in a file for its owner alone, or in a variable of the environment. */
export type EndToEndKey = string | Uint8Array | {readonly file: string} | {readonly env: string};

export interface EndToEndOptions {
  /** Shared by the agents of a tenant and unknown to the hub. Of several the first seals, and all of them open. */
  readonly key: EndToEndKey | readonly EndToEndKey[];
}

/** Why a document is refused. */
export const NO_DOCUMENTS =
  'Shared documents are merged by the hub, which would read them: there are none with endToEnd';
const KEY_BYTES = 32;
const MAX_KEYS = 20;

/** Null: nothing is sealed. Throws a HubError `bad-option` that says what is wrong with a key, and does not repeat it. */
export function tenantSeal(tenantId: string, options: EndToEndOptions | undefined): TenantSeal | null {
  if (options === undefined) return null;
  const {key} = options;
  const keys = isList(key) ? key : [key];
  if (keys.length > MAX_KEYS) throw badOption(`endToEnd.key has ${keys.length} keys: give ${MAX_KEYS} at most`);
  const [first, ...others] = keys.map(readKey);
  if (first === undefined) throw badOption('endToEnd.key is an empty list: give one key at least');
  return new TenantSeal(tenantId, [first, ...others]);
}

function isList(key: EndToEndOptions['key']): key is readonly EndToEndKey[] {
  return Array.isArray(key);
}

function readKey(key: EndToEndKey): TenantSecret {
  const {text, from} = textOf(key);
  const hex = /^\s*[\da-f]{64}\s*$/i.test(text);
  try {
    return readTenantSecret(hex ? Buffer.from(text.trim(), 'hex').toString('base64') : text);
  } catch {
    // What it says is about base64 only.
    throw badOption(
      `endToEnd.key${from} is no key: 32 random bytes as 64 hexadecimal digits or base64, such as openssl rand -hex 32 makes`,
    );
  }
}

function textOf(key: EndToEndKey): {readonly text: string; readonly from: string} {
  if (typeof key === 'string') return {text: key, from: ''};
  if (key instanceof Uint8Array) {
    if (key.length === KEY_BYTES) return {text: Buffer.from(key).toString('base64'), from: ''};
    throw badOption(`endToEnd.key has ${key.length} bytes: give ${KEY_BYTES}`);
  }
  if ('env' in key) {
    const text = process.env[key.env];
    if (text === undefined || text === '') throw badOption(`endToEnd.key: the variable ${key.env} is not set`);
    return {text, from: ` (the variable ${key.env})`};
  }
  return {text: fileText(key.file), from: ` (the file ${key.file})`};
}

function fileText(file: string): string {
  let text: string | null;
  try {
    text = readPrivateFile(file);
  } catch (error) {
    throw badOption(`endToEnd.key: ${error instanceof Error ? error.message : String(error)}`);
  }
  if (text === null) throw badOption(`endToEnd.key: there is no file ${file}; make one with openssl rand -hex 32`);
  return text;
}
