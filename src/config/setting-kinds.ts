import {formatDuration, parseDuration} from '../base/duration.ts';
import {formatSize, parseSize} from '../base/size.ts';
import {LEAST_EJECTION_MS, MOST_EJECTION_FAILURES, MOST_EJECTION_MS} from '../model/ejection.ts';
import {MEMORY_MODES} from '../model/memory.ts';
import {parseWeights, showWeights, STRATEGY_NAMES} from '../model/strategy.ts';
import {HUB_SETTING_KINDS} from './hub-setting-kinds.ts';
import {
  count,
  duration,
  type NumberKind,
  type NumberSetting,
  type SettingKind,
  share,
  size,
  usd,
  written,
} from './setting-shapes.ts';
import {DEFAULT_SETTINGS, type Settings} from './settings.ts';

/** What a setting may have for a value; null is `auto`. */
export type SettingValue = Settings[keyof Settings];

const SECOND = 1000;
const HOUR = 3_600_000;
const KIB = 1024;
const GIB = 1024 ** 3;

export const SETTING_KINDS = {
  maxAgents: count('max-agents', 1, 10_000, 'Most agents a team may have'),
  retryBaseMs: duration('retry-base', 1, HOUR, 'First delay before another attempt; doubles each time'),
  retryMaxMs: duration('retry-max', 1, 24 * HOUR, 'Longest delay before another attempt'),
  hostGraceMs: duration('host-grace', SECOND, 24 * HOUR, 'How long hosts keep working without a daemon'),
  hostLostMs: duration('host-lost', SECOND, HOUR, 'How long a silent host may stay away before it is ended'),
  killGraceMs: duration('kill-grace', 0, HOUR, 'From SIGTERM to SIGKILL when an attempt is stopped'),
  logCapBytes: size('log-cap', KIB, 100 * GIB, 'The log of one attempt is cut after this much'),
  outputCapBytes: size('output-cap', KIB, GIB, 'A declared output larger than this fails the attempt'),
  spawnConcurrency: count('spawn-concurrency', 1, 256, 'Process starts in flight on a host at a time'),
  idleShutdownMs: duration('idle-shutdown', SECOND, 30 * 24 * HOUR, 'An idle daemon ends itself after this long'),
  maxRunning: {
    ...count(
      'max-running',
      1,
      100_000,
      'Most attempts at a time on this machine for this user; auto: as memory allows',
    ),
    auto: true,
  },
  minFreeMemoryBytes: size('min-free-memory', 0, 1024 * GIB, 'No attempt is started while less memory is free'),
  minFreeDiskBytes: size('min-free-disk', 0, 1024 * GIB, 'No attempt is started while less disk space is free'),
  memoryPerAttemptBytes: size('memory-per-attempt', KIB, 1024 * GIB, 'Memory set aside for an attempt that runs'),
  keepEvents: count('keep-events', 1000, 100_000_000, 'Events kept in the journal'),
  maxDepth: count('max-depth', 0, 10, 'How deep teams may be that agents spawn, where --allow spawn lets them'),
  keepTeams: count('keep-teams', 1, 10_000, 'Finished teams kept with their logs; beyond that the oldest are removed'),
  firstCostEstimateUsd: usd(
    'first-cost-estimate',
    1000,
    'Reserved from a budget for an attempt whose cost nobody knows yet',
  ),
  firstTokenEstimate: count('first-token-estimate', 0, 1_000_000_000, 'The same for a budget in tokens'),
  maxResolves: count(
    'max-resolves',
    0,
    100,
    'Attempts to resolve a merge conflict before the task fails, its work kept',
  ),
  strategy: {
    kind: 'strategy',
    ...written('strategy', 'How teams choose the agent for a task, unless plan or command line say otherwise'),
  },
  strategyWeights: {
    kind: 'weights',
    ...written('strategy-weights', 'With strategy weighted: what counts how much, for example speed=3,cost=1'),
    auto: true,
  },
  ejectFailures: count(
    'eject-failures',
    1,
    MOST_EJECTION_FAILURES,
    'Failures in a row after which an agent is left out for a while',
  ),
  ejectTimeMs: duration(
    'eject-time',
    LEAST_EJECTION_MS,
    MOST_EJECTION_MS,
    'How long it is left out the first time; doubles each time',
  ),
  ejectShare: share('eject-share', 'Part of a team that may be left out at a time; 0: nobody'),
  ejectIntervalMs: duration(
    'eject-interval',
    LEAST_EJECTION_MS,
    MOST_EJECTION_MS,
    'How often those are looked at again for whom that part had no room',
  ),
  memory: {
    kind: 'memory',
    ...written('memory', 'Whether teams are given what others have learned, and leave what they learn: on or off'),
  },
  ...HUB_SETTING_KINDS,
  memoryCount: count('memory-count', 0, 20, 'Memories that an attempt is given at most'),
  memoryWaitMs: duration('memory-wait', 0, 10 * SECOND, 'How long an attempt waits for its memories at most'),
  speculatePrompts: {
    kind: 'text',
    ...written('speculate-prompts', 'Second attempts of prompts that take long, unless the plan says otherwise'),
    pattern: /^(?:on|off)$/,
    range: 'that is on or off',
    example: 'on',
  },
  speculateShare: share('speculate-share', 'Part of the budget that these may use'),
} as const satisfies Readonly<Record<keyof Settings, SettingKind>>;

export const SETTING_NAMES = Object.keys(DEFAULT_SETTINGS) as readonly (keyof Settings)[];

/** The setting written `key` in YAML, or undefined. */
export function settingOfKey(key: string): keyof Settings | undefined {
  return SETTING_NAMES.find(name => SETTING_KINDS[name].key === key);
}

/** The value behind what somebody wrote; otherwise what is wrong with it, with what would be right. */
export function parseSetting(
  kind: SettingKind,
  written: unknown,
):
  | {readonly ok: true; readonly value: SettingValue}
  | {readonly ok: false; readonly message: string; readonly hint: string} {
  if (kind.auto && (written === null || written === 'auto')) return {ok: true, value: null};
  const hint = `Give ${nounOf(kind)} ${rangeOf(kind)}, for example \`${kind.key}: ${exampleOf(kind)}\`.`;
  const value = valueOf(kind, written);
  if (value === null) {
    return {
      ok: false,
      message: `${kind.key}: ${JSON.stringify(written)} is not ${nounOf(kind)}`,
      hint,
    };
  }
  if (!isNumeric(kind) || typeof value !== 'number') return {ok: true, value};
  if (value < kind.min || value > kind.max) {
    return {ok: false, message: `${kind.key}: ${showNumber(kind.kind, value)} is out of range`, hint};
  }
  return {ok: true, value};
}

/** A setting's value as it could stand in the file. */
export function showSetting(setting: SettingKind, value: SettingValue): string {
  if (value === null) return 'auto';
  if (typeof value === 'string') return value;
  if (typeof value === 'object') return showWeights(value);
  return isNumeric(setting)
    ? showNumber(setting.kind, value).replaceAll(' min', 'm').replaceAll(' ', '')
    : String(value);
}

function isNumeric(setting: SettingKind): setting is NumberSetting {
  const {kind} = setting;
  return kind !== 'strategy' && kind !== 'weights' && kind !== 'memory' && kind !== 'text';
}

/** `from 1 to 10000`. */
export function rangeOf(setting: SettingKind): string {
  const {kind, auto} = setting;
  if (kind === 'strategy') return `that is one of ${STRATEGY_NAMES.join(', ')}`;
  if (kind === 'memory') return `that is ${MEMORY_MODES.join(' or ')}`;
  if (kind === 'text') return setting.range;
  const range =
    kind === 'weights'
      ? 'of `speed`, `cost` and `reliability`'
      : `from ${showNumber(kind, setting.min)} to ${showNumber(kind, setting.max)}`;
  return auto ? `${range}, or auto` : range;
}

function valueOf(kind: SettingKind, written: unknown): SettingValue {
  if (kind.kind === 'strategy') return STRATEGY_NAMES.find(name => name === written) ?? null;
  if (kind.kind === 'memory') return MEMORY_MODES.find(mode => mode === written) ?? null;
  if (kind.kind === 'text') return typeof written === 'string' && kind.pattern.test(written) ? written : null;
  if (kind.kind === 'weights') return typeof written === 'string' ? parseWeights(written) : null;
  return numberOf(kind.kind, written);
}

function numberOf(kind: NumberKind, written: unknown): number | null {
  if (kind === 'count') {
    const value = typeof written === 'string' && /^\d+$/.test(written.trim()) ? Number(written) : written;
    return typeof value === 'number' && Number.isSafeInteger(value) ? value : null;
  }
  if (kind === 'usd' || kind === 'share') return amountOf(written);
  if (kind === 'size') return typeof written === 'number' ? parseSize(String(written)) : parseText(written, parseSize);
  return parseText(written, parseDuration);
}

function amountOf(written: unknown): number | null {
  const value = typeof written === 'string' && /^\d+(\.\d+)?$/.test(written.trim()) ? Number(written) : written;
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}

function parseText(written: unknown, parse: (text: string) => number | null): number | null {
  return typeof written === 'string' ? parse(written) : null;
}

function nounOf({kind}: SettingKind): string {
  switch (kind) {
    case 'count':
      return 'a whole number';
    case 'duration':
      return 'a duration with its unit';
    case 'size':
      return 'a size';
    case 'usd':
      return 'an amount in USD';
    case 'share':
      return 'a number';
    case 'strategy':
      return 'a strategy';
    case 'weights':
      return 'a list of weights';
    case 'memory':
      return 'a word';
    case 'text':
      return 'a text';
  }
}

function exampleOf(setting: SettingKind): string {
  if (setting.kind === 'text') return setting.example;
  if (setting.kind === 'count') return String(Math.max(setting.min, 4));
  const examples = {
    duration: '30s',
    size: '256MiB',
    usd: '0.25',
    share: '0.2',
    strategy: 'least-connections',
    weights: EXAMPLE,
    memory: 'off',
  };
  return examples[setting.kind];
}

const EXAMPLE = 'speed=3,cost=1,reliability=2';

function showNumber(kind: NumberKind, value: number): string {
  if (kind === 'duration') return formatDuration(value);
  return kind === 'size' ? formatSize(value) : String(value);
}
