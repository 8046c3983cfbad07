import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import path from 'node:path';
import {expect, test} from 'vitest';
import {loadSettings} from '../../src/config/load-settings.ts';

const PAGE = readFileSync(path.join(import.meta.dirname, '..', '..', 'docs', 'configuration.md'), 'utf8');

test('the example of docs/configuration.md is read as the page says', () => {
  const root = mkdtempSync(path.join(tmpdir(), 'godel-config-'));
  writeFileSync(path.join(root, 'godel.config.yaml'), /```yaml\n([\s\S]*?)```/.exec(PAGE)?.[1] ?? '');
  const loaded = loadSettings({projectFolder: root, env: {}, home: root});
  rmSync(root, {recursive: true});
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.failure));
  expect(loaded.value.settings.maxAgents).toBe(200);
  expect(loaded.value.settings).toMatchObject({
    strategy: 'weighted',
    strategyWeights: {speed: 3, cost: 1, reliability: 2},
  });
  expect(loaded.value.agents).toMatchObject({
    runtimes: [{name: 'mine', promptBy: 'argument', provider: 'my-cloud', memoryBytes: 150 * 1024 * 1024}],
    prices: {'my-model': {input: 1, cacheRead: 0.1, cacheWrite: 1}},
    workspace: {link: [{path: 'node_modules', how: 'copy'}, {how: 'symlink'}], quotaBytes: 10 * 1024 ** 3},
  });
});

test('every key of a runtime is on the page', () => {
  const source = readFileSync(
    path.join(import.meta.dirname, '..', '..', 'src', 'config', 'runtime-section.ts'),
    'utf8',
  );
  const keys = [...(/const KEYS = \[(.*?)\]/s.exec(source)?.[1] ?? '').matchAll(/'([\w-]+)'/g)].map(match => match[1]);
  expect(keys.length).toBeGreaterThan(5);
  for (const key of keys) expect(PAGE).toContain(`| \`${key}\` `);
});
