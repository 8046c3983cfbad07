import {parseSize} from '../base/size.ts';
import {FAULTS, type Fault, isFault} from '../chaos/fault.ts';
import {GodelError} from '../model/failure.ts';
import type {GlobalOptions} from './cli.ts';
import {list} from './option-values.ts';

/** What `godel chaos` is asked for. */
export interface ChaosOptions extends GlobalOptions {
  readonly plan: string;
  readonly faults?: readonly Fault[];
  readonly rate?: number;
  readonly seed?: number;
  readonly count?: string;
  readonly input?: Readonly<Record<string, string>>;
  readonly name?: string;
  readonly silence?: number;
  readonly memory?: number;
  readonly slow?: number;
}

/** Each fault once, in the order of the table. */
export function faultList(text: string): readonly Fault[] {
  const words = list(text);
  const unknown = words.find(word => !isFault(word));
  if (unknown === undefined && words.length > 0) return FAULTS.filter(fault => words.includes(fault));
  const message = unknown === undefined ? '--faults names no fault' : `--faults ${unknown}: there is no such fault`;
  throw new GodelError({reason: 'usage', message, hint: `There are ${FAULTS.join(', ')}.`});
}

/** A parser for an option that takes a share, above 0. */
export function share(what: string) {
  return (text: string): number => {
    const value = /^\d*\.?\d+$/.test(text.trim()) ? Number(text) : Number.NaN;
    if (value >= 0.0001 && value <= 1) return value;
    throw new GodelError({reason: 'out-of-range', what, value: text, range: 'a share from 0.0001 to 1, such as 0.2'});
  };
}

/** A parser for an option that takes an amount of memory that a shell can run in. */
export function size(what: string) {
  return (text: string): number => {
    const value = parseSize(text);
    if (value !== null && value >= LEAST_BYTES) return value;
    throw new GodelError({
      reason: 'out-of-range',
      what,
      value: text,
      range: 'a size of at least 16MiB, such as 256MiB',
    });
  };
}

const LEAST_BYTES = 16 * 2 ** 20;
