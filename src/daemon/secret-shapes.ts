const MASK = '***';

/** A JSON web token, and keys with the prefix of a well-known issuer. */
const KEY = String.raw`(?:eyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]*|gh[pousr]_\w{20,}|github_pat_\w{20,}|glpat-[\w-]{15,}|sk-[\w-]{20,}|xox[abprs]-[\w-]{10,}|A[KS]IA[A-Z0-9]{16})`;
/** Somebody's name before the password in a URL, with what stands before it. */
const USER = String.raw`:\/\/[^\s/@:]*:`;

const SECRET_VALUE = new RegExp(String.raw`${USER}[^\s/@]+@|-----BEGIN [A-Z ]*PRIVATE KEY|(?:^|\W)${KEY}`);

const PASSWORDS = new RegExp(String.raw`(${USER})[^\s/@]+@`, 'g');
const PRIVATE_KEYS = /-----BEGIN [A-Z ]*PRIVATE KEY[^]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g;
const KEYS = new RegExp(String.raw`(?<![\w-])${KEY}`, 'g');

/** Whether it looks like a secret, or has one in it: a password in a URL, a private key, a key of a well-known issuer. */
export function looksSecret(value: string): boolean {
  return SECRET_VALUE.test(value);
}

/** The text with `***` for each part of it that looks like a secret. */
export function maskSecretShapes(text: string): string {
  return text.replaceAll(PRIVATE_KEYS, MASK).replaceAll(PASSWORDS, `$1${MASK}@`).replaceAll(KEYS, MASK);
}
