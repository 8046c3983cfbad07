import path from 'node:path';
import {fail, ok, type Result} from '../base/result.ts';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {Failure} from '../model/failure.ts';
import {mergeSections} from './agent-sections.ts';
import {type FlatSettings, hintFor, readConfigFile} from './config-file.ts';
import type {Placed} from './config-nodes.ts';
import {parseSetting, SETTING_KINDS, SETTING_NAMES, settingOfKey, type SettingValue} from './setting-kinds.ts';
import {DEFAULT_SETTINGS, type Settings} from './settings.ts';

export interface LoadedSettings {
  readonly settings: Settings;
  /** Where each value comes from: `--set max-agents`, `GODEL_MAX_AGENTS`, `<file>:<line>` or `default`. */
  readonly provenance: Readonly<Record<keyof Settings, string>>;
  /** What the sections `runtimes`, `prices` and `workspace` of the two files say. */
  readonly agents: AgentSettings;
  /** Where each part of that comes from, for example under `runtimes.mine`, `prices.gpt-5` and `workspace.link`. */
  readonly agentProvenance: Readonly<Record<string, string>>;
}

export interface SettingSources {
  readonly projectFolder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly home: string;
  /** Keys and values given with `--set`. */
  readonly flags?: Readonly<Record<string, string>>;
}

/** All settings: flag over environment over `godel.config.yaml` of the project over the user's file over the default. */
export function loadSettings(sources: SettingSources): Result<LoadedSettings, Failure> {
  const flags = readFlags(sources.flags ?? {});
  if (!flags.ok) return flags;
  const env = readEnvironment(sources.env);
  if (!env.ok) return env;
  const project = readConfigFile(path.join(sources.projectFolder, 'godel.config.yaml'));
  if (!project.ok) return project;
  const user = readConfigFile(userFile(sources));
  if (!user.ok) return user;

  const settings: {-readonly [K in keyof Settings]: SettingValue} = {...DEFAULT_SETTINGS};
  const provenance: Partial<Record<keyof Settings, string>> = {};
  for (const name of SETTING_NAMES) {
    const found = [flags.value, env.value, project.value.flat, user.value.flat]
      .map(layer => layer.get(name))
      .find(Boolean);
    if (found) settings[name] = found.value;
    provenance[name] = found?.place ?? 'default';
  }
  const {agents, agentProvenance} = mergeSections(project.value.agents, user.value.agents);
  // Every name has been assigned, each what its kind is read as.
  const loaded = {settings, provenance, agents, agentProvenance} as LoadedSettings;
  return checkTogether(loaded);
}

/** Where the user's own settings live. */
export function userFile({env, home}: Pick<SettingSources, 'env' | 'home'>): string {
  const base = env['XDG_CONFIG_HOME'];
  const folder = base !== undefined && path.isAbsolute(base) ? base : path.join(home, '.config');
  return path.join(folder, 'godel', 'config.yaml');
}

function readFlags(flags: Readonly<Record<string, string>>): Result<FlatSettings, Failure> {
  const found = new Map<keyof Settings, Placed<SettingValue>>();
  for (const [key, written] of Object.entries(flags)) {
    const name = settingOfKey(key);
    if (name === undefined)
      return fail({reason: 'usage', message: `--set: unknown setting "${key}"`, hint: hintFor(key)});
    const value = parseSetting(SETTING_KINDS[name], written);
    if (!value.ok) return fail({reason: 'usage', message: `--set ${value.message}`, hint: value.hint});
    found.set(name, {value: value.value, place: `--set ${key}`});
  }
  return ok(found);
}

function readEnvironment(env: SettingSources['env']): Result<FlatSettings, Failure> {
  const found = new Map<keyof Settings, Placed<SettingValue>>();
  for (const name of SETTING_NAMES) {
    const kind = SETTING_KINDS[name];
    const written = env[kind.env];
    if (written === undefined || written === '') continue;
    const value = parseSetting(kind, written);
    if (!value.ok) {
      return fail({reason: 'config-invalid', file: kind.env, problems: [{message: value.message, hint: value.hint}]});
    }
    found.set(name, {value: value.value, place: kind.env});
  }
  return ok(found);
}

function checkTogether(loaded: LoadedSettings): Result<LoadedSettings, Failure> {
  const {settings, provenance} = loaded;
  const {retryMaxMs, retryBaseMs, strategy, strategyWeights} = settings;
  if (retryMaxMs < retryBaseMs) {
    const message = `retry-max (from ${provenance.retryMaxMs}) is shorter than retry-base (from ${provenance.retryBaseMs})`;
    const place = provenance.retryMaxMs === 'default' ? provenance.retryBaseMs : provenance.retryMaxMs;
    return fail(contradiction(place, {message, hint: 'Raise retry-max or lower retry-base.'}));
  }
  const areTogether = layerOf(provenance.strategy) === layerOf(provenance.strategyWeights);
  if (strategyWeights !== null && strategy !== 'weighted' && areTogether) {
    const message = `strategy-weights (from ${provenance.strategyWeights}) mean nothing for the strategy ${strategy} (from ${provenance.strategy})`;
    const hint = 'Set strategy-weights to auto, or strategy to weighted.';
    return fail(contradiction(provenance.strategyWeights, {message, hint}));
  }
  return ok(loaded);
}

/** Weights for `weighted` that stand somewhere else are for when that is used. */
function layerOf(place: string): string {
  if (place.startsWith('--set ')) return '--set';
  return place.startsWith('GODEL_') ? 'GODEL' : place.replace(/:\d+$/, '');
}

function contradiction(place: string, problem: {message: string; hint: string}): Failure {
  return {reason: 'config-invalid', file: place.replace(/:\d+$/, ''), problems: [problem]};
}
