import {execFile} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {codeBlocks, pages} from '../docs/pages.ts';

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const examples = pages()
  .filter(({path}) => path === 'docs/library.md' || path === 'docs/hub.md')
  .flatMap(codeBlocks)
  .filter(({language}) => language === 'js')
  .map(({path, line, code}) => [`${path}:${line}`, code] as const);

let folder: string;

/** Somebody else's package that depends on this one as it is built. */
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'godel-library-'));
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(REPOSITORY, join(folder, 'node_modules/godel'));
});

afterAll(() => rmSync(folder, {recursive: true, force: true}));

/** What an example says that it prints: comments after a `console.log`, and those that are a line of their own. */
function promised(code: string): string[] {
  return [...code.matchAll(/^.*?\/\/ (.+)$/gm)].map(match => match[1] ?? '');
}

test('every part of the library has an example', () => {
  expect(examples.length).toBeGreaterThanOrEqual(6);
  expect(examples.some(([place]) => place.startsWith('docs/hub.md'))).toBe(true);
});

test.each(examples)('the example at %s prints what it says', async (place, code) => {
  const file = join(folder, `${place.replaceAll(/\W/g, '-')}.mjs`);
  writeFileSync(file, code);
  const {stdout} = await run(process.execPath, [file], {cwd: folder});
  expect(promised(code).length).toBeGreaterThan(0);
  expect(stdout.trimEnd().split('\n')).toEqual(promised(code));
});

const CONSUMER = `
import {FederationHubServer, type FederationHubServerOptions, type HubStats, SecurityManager} from 'godel/hub';
import {AgentSelector, AutoScaler, HEALTH_DEFAULTS, HealthMonitor, LoadBalancer, resolver, TaskDecomposer, WeightedStrategy} from 'godel';

const strategy = new WeightedStrategy({weights: {speed: 1, cost: 1, reliability: 2}});
const balancer = new LoadBalancer({strategy, healthCheckInterval: 5000, circuitBreaker: {failureThreshold: 3}});
balancer.add({id: 'east', slots: 2});
const lease = await balancer.getAgent();
const id: string = lease.id;
lease.release({ok: true});
const state: 'closed' | 'open' | 'half-open' | null = balancer.breakerOf(id);
const options: FederationHubServerOptions = {port: 0, host: '127.0.0.1', dbPath: 'x.db', maxAgents: 10, syncInterval: 100};
const hub = new FederationHubServer(options);
await hub.start();
const token: string = await hub.security.generateToken('pi', 'acme', {role: 'reader', expiresIn: '1h'});
const stats: HubStats = hub.getStats();
const numbers: number[] = [stats.agents, stats.episodes, stats.tenants, stats.uptimeMs, stats.syncsPerS, stats.lagMs];
await hub.stop();
export const all = [AgentSelector, AutoScaler, HEALTH_DEFAULTS, HealthMonitor, TaskDecomposer, resolver.resolve, state];
export const more = [SecurityManager, token, numbers];
`;

const CLIENT = `
import {type DocumentList, type DocumentMap, type EndToEndOptions, EphemeralAgent, FederationHub, type HubDocument, HubError, InProcessHub, type JsonValue, SecurityManager} from 'godel/hub/client';

const {adapter: hubAdapter} = new InProcessHub({documents: 10});
const endToEnd: EndToEndOptions = {key: [{file: 'tenant.key'}, {env: 'OLD_KEY'}, new Uint8Array(32)]};
const hub = new FederationHub({agentId: 'ann', tenantId: 'shop', hubAdapter});
const document: HubDocument = hub.document('plan');
const facts: DocumentMap = document.map('facts');
const steps: DocumentList = document.list('steps');
const known: JsonValue | undefined = facts.get('a');
steps.push('a', 1, {deep: [null]});
document.text('notes').insert(0, 'b');
document.on('change', ({by}) => console.log(by === 'others'));
document.on('error', (error: HubError) => console.log(error.code));
await document.sync({deadlineMs: 100});
const sealed: number = hub.getSyncStats().sealed;
export const all = [known, sealed, SecurityManager, EphemeralAgent.spawn({tenantId: 'shop', hubAdapter, endToEnd})];
`;

/** Programs that use the library and nothing else; all but those with nothing wrong are wrong somewhere. */
const CONSUMERS = [
  ['nothing wrong', CONSUMER],
  ["strategy: 'fastest'", CONSUMER.replace('{strategy,', "{strategy: 'fastest',")],
  ['a weight that there is not', CONSUMER.replace('speed: 1', 'sped: 1')],
  ['an option that a hub does not have', CONSUMER.replace('maxAgents: 10', 'maxAgent: 10')],
  ['a role that there is not', CONSUMER.replace("'reader'", "'writer'")],
  ['nothing wrong in a client', CLIENT],
  ['what is no JSON in a document', CLIENT.replace('{deep: [null]}', 'new Map()')],
  ['what is no key', CLIENT.replace("{env: 'OLD_KEY'}", '42')],
  ['what a lease does not have', CONSUMER.replace('lease.id;', 'lease.name;')],
] as const;

/** What a strict compiler says of all of them together: to read the types takes it longest. */
async function compiled(): Promise<readonly string[]> {
  const files = CONSUMERS.map(([, code], index) => {
    writeFileSync(join(folder, `consumer-${index}.mts`), code);
    return `consumer-${index}.mts`;
  });
  const compilerOptions = {strict: true, noEmit: true, target: 'ES2023', module: 'NodeNext', types: []};
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({compilerOptions, files}));
  const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc');
  const {stdout} = await run(process.execPath, [tsc, '--project', folder], {cwd: folder}).catch(
    (error: unknown) => error as {stdout: string},
  );
  return stdout.trimEnd().split('\n');
}

test('is typed for programs that are checked strictly, and says what is wrong in one', async () => {
  const lines = await compiled();
  const found = CONSUMERS.map(([what], index) => {
    const prefix = `consumer-${index}.mts`;
    return [what, lines.filter(line => line.startsWith(prefix) && line.includes('error TS')).length > 0];
  });
  expect(found).toEqual(CONSUMERS.map(([what]) => [what, !what.startsWith('nothing wrong')]));
  // Nor of the types that come with it.
  expect(lines.filter(line => /^\S/.test(line) && !line.startsWith('consumer-'))).toEqual([]);
});

/** The code that is loaded with an entry of the package, and the other packages that are. */
function loadedWith(entry: string): {readonly code: string; readonly packages: readonly string[]} {
  const files = new Map<string, string>();
  const packages = new Set<string>();
  const follow = (file: string) => {
    if (files.has(file)) return;
    const code = readFileSync(file, 'utf8');
    files.set(file, code);
    for (const [, from] of code.matchAll(/^(?:import|export)\b[^'"]*?["']([^"']+)["'];$/gm)) {
      if (from!.startsWith('.')) follow(join(dirname(file), from!));
      else if (!from!.startsWith('node:')) packages.add(from!);
    }
  };
  follow(join(REPOSITORY, entry));
  return {code: [...files.values()].join('\n'), packages: [...packages].toSorted()};
}

test('the hub server is loaded by those alone who ask for it', () => {
  const server = /^var FederationHubServer = class/m;
  const [main, hub, client] = [
    loadedWith('dist/index.js'),
    loadedWith('dist/hub-server.js'),
    loadedWith('dist/hub-client.js'),
  ];
  expect(hub.code).toMatch(server);
  expect(main.code).toContain('EphemeralAgent');
  expect(main.code).not.toMatch(server);
  expect(main.packages).toEqual(['better-sqlite3', 'yjs']);
  expect(client.packages).toEqual(['better-sqlite3', 'jose', 'yjs']);
  expect(client.code).not.toMatch(/^var (FederationHubServer|LoadBalancer) = class/m);
  expect(hub.packages).toEqual(expect.arrayContaining(['@peculiar/x509', 'better-sqlite3', 'jose', 'yjs']));
});

test('a hub without options is where the page says', async () => {
  const cwd = mkdtempSync(join(folder, 'defaults-'));
  mkdirSync(join(cwd, 'node_modules'));
  symlinkSync(REPOSITORY, join(cwd, 'node_modules/godel'));
  // Another program of this machine may have the port; then that is what it complains of.
  const code = `
    import {FederationHubServer} from 'godel/hub';
    const server = new FederationHubServer();
    const where = await server.start().then(() => server.address, error => error);
    console.log(where.address, where.port);
    await server.stop();
  `;
  writeFileSync(join(cwd, 'defaults.mjs'), code);
  const {stdout} = await run(process.execPath, ['defaults.mjs'], {cwd});
  expect(stdout).toBe('127.0.0.1 8080\n');
  expect(existsSync(join(cwd, 'hub-memory.db'))).toBe(true);
  expect(existsSync(join(cwd, 'hub-memory.keys'))).toBe(true);
});
