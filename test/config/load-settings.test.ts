import {mkdirSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {loadSettings, type SettingSources} from '../../src/config/load-settings.ts';
import {SETTING_KINDS, SETTING_NAMES, parseSetting, showSetting} from '../../src/config/setting-kinds.ts';
import {DEFAULT_SETTINGS} from '../../src/config/settings.ts';
import {failureLines, failureText} from '../../src/model/failure-text.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(path.join(tmpdir(), 'godel-config-'));
});
afterEach(() => rmSync(root, {recursive: true}));

function load(change: Partial<SettingSources> = {}) {
  return loadSettings({projectFolder: path.join(root, 'project'), env: {}, home: path.join(root, 'home'), ...change});
}

function loaded(change: Partial<SettingSources> = {}) {
  const result = load(change);
  if (!result.ok) throw new Error(failureText(result.failure));
  return result.value;
}

function problems(change: Partial<SettingSources> = {}): string[] {
  const result = load(change);
  return result.ok ? [] : failureLines(result.failure).map(line => line.replaceAll(root, ''));
}

function write(file: string, text: string): void {
  const target = path.join(root, file);
  mkdirSync(path.dirname(target), {recursive: true});
  writeFileSync(target, text);
}

test('without any source every setting has its default and says so', () => {
  const {settings, provenance} = loaded();
  expect(settings).toEqual(DEFAULT_SETTINGS);
  expect(new Set(Object.values(provenance))).toEqual(new Set(['default']));
});

test('a flag goes over the environment, that over the project file, that over the user file, and each says where from', () => {
  write('home/.config/godel/config.yaml', 'max-agents: 10\nkill-grace: 1s\nlog-cap: 1MiB\nkeep-events: 5000\n');
  write('project/godel.config.yaml', '# ours\nmax-agents: 20\nkill-grace: 2s\nlog-cap: 2MiB\n');
  const {settings, provenance} = loaded({
    env: {GODEL_MAX_AGENTS: '30', GODEL_KILL_GRACE: '3s', GODEL_TEAM: 'not a setting'},
    flags: {'max-agents': '40'},
  });
  expect(settings).toMatchObject({maxAgents: 40, killGraceMs: 3000, logCapBytes: 2 * 1024 * 1024, keepEvents: 5000});
  expect(provenance.maxAgents).toBe('--set max-agents');
  expect(provenance.killGraceMs).toBe('GODEL_KILL_GRACE');
  expect(provenance.logCapBytes).toBe(path.join(root, 'project/godel.config.yaml:4'));
  expect(provenance.keepEvents).toBe(path.join(root, 'home/.config/godel/config.yaml:4'));
});

test('XDG_CONFIG_HOME moves the user file', () => {
  write('xdg/godel/config.yaml', 'max-agents: 7\n');
  expect(loaded({env: {XDG_CONFIG_HOME: path.join(root, 'xdg')}}).settings.maxAgents).toBe(7);
});

test('an unknown key is named at its place with what was probably meant', () => {
  write('project/godel.config.yaml', 'max-agents: 5\n  \nretry-bsae: 1s\n');
  expect(problems()).toEqual([
    '/project/godel.config.yaml:3:1: unknown setting "retry-bsae"',
    '  Did you mean "retry-base"?',
  ]);
});

test('all wrong values are reported together, each at its place and with its range', () => {
  write('project/godel.config.yaml', 'max-agents: 0\nretry-base: 10\nlog-cap: [1]\nmin-free-disk: 12parsecs\n');
  const lines = problems();
  expect(lines.filter(line => !line.startsWith(' '))).toEqual([
    '/project/godel.config.yaml:1:13: max-agents: 0 is out of range',
    '/project/godel.config.yaml:2:13: retry-base: 10 is not a duration with its unit',
    '/project/godel.config.yaml:3:10: log-cap: [1] is not a size',
    '/project/godel.config.yaml:4:16: min-free-disk: "12parsecs" is not a size',
  ]);
  expect(lines[1]).toBe('  Give a whole number from 1 to 10000, for example `max-agents: 4`.');
});

test.each([
  ['broken YAML', 'max-agents: [1\n'],
  ['a list', '- max-agents\n'],
  ['the same key twice', 'max-agents: 1\nmax-agents: 2\n'],
  ['binary', '\u0000\u0001\u0002'],
])('%s is one problem with a place, not a crash', (_, text) => {
  write('project/godel.config.yaml', text);
  expect(problems()[0]).toMatch(/^\/project\/godel\.config\.yaml:\d+:\d+: /);
});

test('a folder in place of the file is said so, an empty file says nothing', () => {
  mkdirSync(path.join(root, 'project/godel.config.yaml'), {recursive: true});
  expect(problems()[1]).toContain('It is a folder');
  rmSync(path.join(root, 'project'), {recursive: true});
  write('project/godel.config.yaml', '# nothing yet\n');
  expect(loaded().settings).toEqual(DEFAULT_SETTINGS);
});

test('a wrong environment variable or flag is named', () => {
  expect(problems({env: {GODEL_MAX_AGENTS: 'many'}})[0]).toBe(
    'GODEL_MAX_AGENTS: max-agents: "many" is not a whole number',
  );
  expect(problems({flags: {'max-agnets': '3'}})[0]).toContain('Did you mean "max-agents"?');
});

test('the longest retry delay cannot be shorter than the first', () => {
  expect(problems({env: {GODEL_RETRY_BASE: '10m'}})[0]).toContain(
    'retry-max (from default) is shorter than retry-base',
  );
});

test('how teams choose their agents is set like everything else, and weights are for the strategy that has some', () => {
  write('home/.config/godel/config.yaml', 'strategy: weighted\nstrategy-weights: speed=3,cost=1\n');
  expect(loaded()).toMatchObject({
    settings: {strategy: 'weighted', strategyWeights: {speed: 3, cost: 1, reliability: 0}},
    provenance: {
      strategy: path.join(root, 'home/.config/godel/config.yaml:1'),
      strategyWeights: path.join(root, 'home/.config/godel/config.yaml:2'),
    },
  });
  write('project/godel.config.yaml', 'strategy: least-connections\n');
  expect(loaded().settings.strategy).toBe('least-connections');
  expect(problems({flags: {strategy: 'fastest'}})).toEqual([
    expect.stringMatching(/^--set strategy: "fastest" is not a strategy\. .* one of round-robin, least-connections/),
  ]);
  expect(problems({env: {GODEL_STRATEGY_WEIGHTS: 'speed=0'}})[0]).toContain('is not a list of weights');
  write('project/godel.config.yaml', 'strategy: peak-ewma\nstrategy-weights: speed=1\n');
  expect(problems()[0]).toMatch(/strategy-weights \(from .*:2\) mean nothing for the strategy peak-ewma \(from .*:1\)/);
});

test('when agents are left out is set like everything else, and what makes no sense is named with its place and range', () => {
  write('project/godel.config.yaml', 'eject-failures: 3\neject-time: 5s\neject-interval: 1s\n');
  expect(loaded({env: {GODEL_EJECT_SHARE: '0.25'}, flags: {'eject-failures': '2'}}).settings).toMatchObject({
    ejectFailures: 2,
    ejectTimeMs: 5000,
    ejectShare: 0.25,
    ejectIntervalMs: 1000,
  });
  expect(loaded({env: {GODEL_EJECT_SHARE: '0'}}).settings.ejectShare).toBe(0);
  const wrong = [
    ...['0', '-1', '1e9', '1000000000', '2.5', 'many'].map(value => [
      'eject-failures',
      value,
      'a whole number from 1 to 1000',
    ]),
    ...['0s', '-1s', '10', '25h', 'soon'].map(value => ['eject-time', value, 'with its unit from 100 ms to 1 h']),
    ...['-1', '1.01', '1e9', '10%', 'all'].map(value => ['eject-share', value, 'a number from 0 to 1']),
    ...['0s', '50ms', '1000000000s', 'often'].map(value => ['eject-interval', value, 'from 100 ms to 1 h']),
  ] as const;
  for (const [key = '', value = '', range] of wrong) {
    const env = `GODEL_${key.toUpperCase().replace('-', '_')}`;
    const [message, hint] = problems({env: {[env]: value}});
    expect(message).toMatch(new RegExp(`^${env}: ${key}: `));
    expect(hint, `${key} ${value}`).toContain(range);
  }
  write('project/godel.config.yaml', 'eject-share: 2\n');
  expect(problems()[0]).toBe('/project/godel.config.yaml:1:14: eject-share: 2 is out of range');
});

test('second attempts of prompts are set like everything else', () => {
  expect(loaded({}).settings).toMatchObject({speculatePrompts: 'off', speculateShare: 0.1});
  write('project/godel.config.yaml', 'speculate-prompts: on\n');
  expect(loaded({flags: {'speculate-share': '0.25'}}).settings).toMatchObject({
    speculatePrompts: 'on',
    speculateShare: 0.25,
  });
  for (const [key, value, range] of [
    ['speculate-prompts', 'maybe', 'on or off'],
    ['speculate-share', '1.01', 'a number from 0 to 1'],
    ['speculate-share', '-1', 'a number from 0 to 1'],
  ] as const) {
    const env = `GODEL_${key.toUpperCase().replace('-', '_')}`;
    const [message, hint] = problems({env: {[env]: value}});
    expect(message).toMatch(new RegExp(`^${env}: ${key}: `));
    expect(hint).toContain(range);
  }
});

test('auto is a value only where it means something', () => {
  expect(loaded({env: {GODEL_MAX_RUNNING: 'auto'}}).settings.maxRunning).toBeNull();
  expect(problems({env: {GODEL_MAX_AGENTS: 'auto'}})).not.toEqual([]);
});

test('every default is within its own range and is read back from how it is shown', () => {
  for (const name of SETTING_NAMES) {
    const kind = SETTING_KINDS[name];
    const shown = showSetting(kind, DEFAULT_SETTINGS[name]);
    expect(parseSetting(kind, shown), `${kind.key}: ${shown}`).toEqual({ok: true, value: DEFAULT_SETTINGS[name]});
  }
});
