import {oneLine} from '../base/one-line.ts';

const LEVELS: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
};

/** A line of the daemon's log for people: time, level, message, facts. What is none (a crash, say) stays as it is. */
export function logLine(line: string): string {
  const entry = entryOf(line);
  if (entry === null) return oneLine(line, 1000);
  const {level, time, pid, msg, ...facts} = entry;
  const shown = Object.entries(facts).map(([name, value]) => `${name}=${textOf(value)}`);
  const words = [
    String(time),
    (LEVELS[Number(level)] ?? String(level)).padEnd(5),
    String(msg),
    ...shown,
    `pid=${textOf(pid)}`,
  ];
  return oneLine(words.join(' '), 1000);
}

function entryOf(line: string): Record<string, unknown> | null {
  if (!line.startsWith('{')) return null;
  try {
    const entry: unknown = JSON.parse(line);
    return typeof entry === 'object' && entry !== null && 'msg' in entry && 'level' in entry ? {...entry} : null;
  } catch {
    return null;
  }
}

function textOf(value: unknown): string {
  return typeof value === 'string' && /^\S+$/.test(value) ? value : JSON.stringify(value);
}
