/** The longest name of an agent or tenant, in UTF-16 units. */
export const MAX_NAME = 200;

/**
 * Why a text cannot name an agent or a tenant, or null when it can. Any other text is a name of its own and compared as it is:
 * `../`, `__proto__` and quotes mean nothing. Halves of surrogate pairs are refused since, written as UTF-8, they would all
 * become the same character and two tenants one.
 */
export function nameProblem(name: unknown): string | null {
  if (typeof name !== 'string') return 'is no text';
  if (name.length === 0) return 'is empty';
  if (name.length > MAX_NAME) return `is longer than ${MAX_NAME} characters`;
  if (/[\u0000-\u001f\u007f-\u009f]/.test(name)) return 'contains control characters';
  if (/\p{Surrogate}/u.test(name)) return 'contains half a surrogate pair';
  return null;
}

/** Throws TypeError naming what it is for. */
export function checkName(name: unknown, what: string): asserts name is string {
  const problem = nameProblem(name);
  if (problem !== null) throw new TypeError(`${what} ${problem}: use 1 to ${MAX_NAME} printable characters`);
}
