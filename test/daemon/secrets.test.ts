import {mkdirSync, mkdtempSync, readFileSync, realpathSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import type {Log} from '../../src/daemon/log.ts';
import {SecretStore, splitSecrets} from '../../src/daemon/secrets.ts';
import {teamId} from '../../src/model/ids.ts';
import {prepareFolders} from '../../src/project/prepare-folders.ts';
import {type ProjectPaths, projectPaths, secretsFile} from '../../src/project/project-paths.ts';

const log: Log = {debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined};
let root: string;
let paths: ProjectPaths;

beforeEach(() => {
  root = realpathSync(mkdtempSync(join(tmpdir(), 'godel-secrets-')));
  mkdirSync(join(root, 'run'), {mode: 0o700});
  paths = projectPaths(root, {XDG_RUNTIME_DIR: join(root, 'run')});
  prepareFolders(paths);
});

afterEach(() => rmSync(root, {recursive: true}));

test.each([
  'GITHUB_TOKEN',
  'npm_config__authToken',
  'NPM_CONFIG__AUTH',
  'AWS_SECRET_ACCESS_KEY',
  'PGPASSWORD',
  'MYSQL_PWD',
  'DB_PASS',
  'OPENAI_API_KEY',
  'SSH_PRIVATE_KEY',
  'GOOGLE_APPLICATION_CREDENTIALS',
  'SENTRY_DSN',
  'ENCRYPTION_KEY',
])('%s is a secret by its name', name => {
  expect(splitSecrets({[name]: 'v'})).toEqual({plain: {}, secrets: {[name]: 'v'}});
});

test.each([
  'postgres://user:hunter2@db/x',
  'redis://:pw@localhost:6379',
  '-----BEGIN OPENSSH PRIVATE KEY-----\nabc',
  `ghp_${'a'.repeat(36)}`,
  `eyJ${'a'.repeat(20)}.${'b'.repeat(20)}.c`,
  'AKIAIOSFODNN7EXAMPLE',
])('%s is a secret by its value', value => {
  expect(splitSecrets({INNOCENT: value}).plain).toEqual({});
});

test.each([
  ['PWD', '/home/u'],
  ['PATH', '/usr/bin:/bin'],
  ['PASSENGER_COUNT', '3'],
  ['KEYBOARD', 'de'],
  ['HOMEPAGE', 'https://example.org:8080/a@b'],
  ['AUTHOR', 'somebody'],
])('%s=%s is not one', (name, value) => {
  expect(splitSecrets({[name]: value}).secrets).toEqual({});
});

test('secrets outlive the daemon in a file for its user alone, and go with the team', () => {
  const id = teamId(3);
  new SecretStore(paths, log).keep(id, {A_TOKEN: 'x'});
  const file = secretsFile(paths, id);
  expect(statSync(file).mode & 0o777).toBe(0o600);
  const next = new SecretStore(paths, log);
  expect(next.restore(id, ['A_TOKEN'])).toEqual([]);
  expect(next.of(id)).toEqual({A_TOKEN: 'x'});
  next.forget(id);
  expect(() => readFileSync(file)).toThrow('ENOENT');
  expect(next.of(id)).toEqual({});
});

test('after a reboot the names of the lost values are told', () => {
  expect(new SecretStore(paths, log).restore(teamId(3), ['A_TOKEN', 'B_TOKEN'])).toEqual(['A_TOKEN', 'B_TOKEN']);
});
