export type NumberKind = 'count' | 'duration' | 'size' | 'usd' | 'share';

/** How one setting is written and what it may be. */
export type SettingKind = NumberSetting | StrategySetting | WeightsSetting | MemorySetting | TextSetting;

interface Written {
  /** In YAML and with `--set`, for example `retry-base`. */
  readonly key: string;
  readonly env: string;
  /** Whether `auto` (null) is a value. */
  readonly auto: boolean;
  readonly meaning: string;
}

export interface NumberSetting extends Written {
  readonly kind: NumberKind;
  readonly min: number;
  readonly max: number;
}

interface StrategySetting extends Written {
  readonly kind: 'strategy';
}

interface WeightsSetting extends Written {
  readonly kind: 'weights';
}

interface MemorySetting extends Written {
  readonly kind: 'memory';
}

interface TextSetting extends Written {
  readonly kind: 'text';
  /** What it may be, as a regular expression and in words. */
  readonly pattern: RegExp;
  readonly range: string;
  readonly example: string;
}

export function count(key: string, min: number, max: number, meaning: string): NumberSetting {
  return define('count', key, min, max, meaning);
}

export function duration(key: string, min: number, max: number, meaning: string): NumberSetting {
  return define('duration', key, min, max, meaning);
}

export function size(key: string, min: number, max: number, meaning: string): NumberSetting {
  return define('size', key, min, max, meaning);
}

export function usd(key: string, max: number, meaning: string): NumberSetting {
  return define('usd', key, 0, max, meaning);
}

/** A part of something, 0 to 1. */
export function share(key: string, meaning: string): NumberSetting {
  return define('share', key, 0, 1, meaning);
}

/** A text or `auto`: none. */
export function text(key: string, meaning: string, example: string): TextSetting {
  const range = 'of 1 to 1000 printable characters';
  return {...written(key, meaning), kind: 'text', auto: true, pattern: /^[^\p{Cc}]{1,1000}$/u, range, example};
}

/** The name of a variable that the daemon keeps, or `auto`: none. */
export function variable(key: string, meaning: string, example: string): TextSetting {
  const range = 'that is the name of a variable beginning with GODEL_';
  return {...written(key, meaning), kind: 'text', auto: true, pattern: /^GODEL_[A-Z0-9_]{1,100}$/, range, example};
}

function define(kind: NumberKind, key: string, min: number, max: number, meaning: string): NumberSetting {
  return {...written(key, meaning), kind, min, max};
}

export function written(key: string, meaning: string): Written {
  return {key, env: `GODEL_${key.toUpperCase().replaceAll('-', '_')}`, auto: false, meaning};
}
