import {fail, ok, type Result} from '../../base/result.ts';

/** Why what came from outside (a frame, a stored row) is not what it should be. `what` names the value, `detail` the fault. */
export interface Malformed {
  readonly kind: 'malformed';
  readonly what: string;
  readonly detail: string;
}

/** No count from outside may be greater, so that there is room to count on. */
export const MAX_COUNT = 2 ** 52;

/** As long as agent ids may be on the wire, in UTF-16 units. */
export const MAX_NAME = 200;

/** Thrown by the readers below and caught by `reading`; nothing else sees it. */
class Unreadable extends Error {}

/** Runs readers over foreign input; their complaint becomes a failure, anything else they throw is a bug and goes on. */
export function reading<T>(what: string, read: () => T): Result<T, Malformed> {
  try {
    return ok(read());
  } catch (error) {
    if (error instanceof Unreadable) return fail({kind: 'malformed', what, detail: error.message});
    throw error;
  }
}

export function refuse(detail: string): never {
  throw new Unreadable(detail);
}

export function readList(value: unknown, what: string, most: number): readonly unknown[] {
  if (!Array.isArray(value)) return refuse(`${what} must be an array`);
  if (value.length > most) return refuse(`${what} holds ${value.length} values; at most ${most} are taken`);
  return value as readonly unknown[];
}

export function readCount(value: unknown, what: string, {least = 0, most = Number.MAX_SAFE_INTEGER} = {}): number {
  if (typeof value !== 'number' || !Number.isSafeInteger(value) || value < least || value > most) {
    return refuse(`${what} must be a whole number from ${least} to ${most}`);
  }
  return value;
}

export function readText(value: unknown, what: string, {least = 1, most = MAX_NAME} = {}): string {
  if (typeof value !== 'string' || value.length < least || value.length > most) {
    return refuse(`${what} must be text of ${least} to ${most} characters`);
  }
  return value;
}
