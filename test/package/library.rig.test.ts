import {execFile} from 'node:child_process';
import {mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {promisify} from 'node:util';
import {afterAll, beforeAll, expect, test} from 'vitest';
import {codeBlocks, pages} from '../docs/pages.ts';

const run = promisify(execFile);
const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url));
const examples = pages()
  .filter(({path}) => path === 'docs/library.md')
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
  expect(examples.length).toBeGreaterThanOrEqual(5);
});

test.each(examples)('the example at %s prints what it says', async (place, code) => {
  const file = join(folder, `${place.replaceAll(/\W/g, '-')}.mjs`);
  writeFileSync(file, code);
  const {stdout} = await run(process.execPath, [file]);
  expect(promised(code).length).toBeGreaterThan(0);
  expect(stdout.trimEnd().split('\n')).toEqual(promised(code));
});

const CONSUMER = `
import {AgentSelector, AutoScaler, HEALTH_DEFAULTS, HealthMonitor, LoadBalancer, resolver, TaskDecomposer, WeightedStrategy} from 'godel';

const strategy = new WeightedStrategy({weights: {speed: 1, cost: 1, reliability: 2}});
const balancer = new LoadBalancer({strategy, healthCheckInterval: 5000, circuitBreaker: {failureThreshold: 3}});
balancer.add({id: 'east', slots: 2});
const lease = await balancer.getAgent();
const id: string = lease.id;
lease.release({ok: true});
const state: 'closed' | 'open' | 'half-open' = balancer.breakerOf(id);
export const all = [AgentSelector, AutoScaler, HEALTH_DEFAULTS, HealthMonitor, TaskDecomposer, resolver.resolve, state];
`;

const HUB_CONSUMER = `
import {type DocumentList, type DocumentMap, type EndToEndOptions, EphemeralAgent, FederationHub, type HubDocument, HubError, InProcessHub, type JsonValue} from 'godel';

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
export const all = [known, sealed, EphemeralAgent.spawn({tenantId: 'shop', hubAdapter, endToEnd})];
`;

const FAULTS = [
  ["strategy: 'fastest'", CONSUMER.replace('{strategy,', "{strategy: 'fastest',")],
  ['a weight that there is not', CONSUMER.replace('speed: 1', 'sped: 1')],
  ['what a lease does not have', CONSUMER.replace('lease.id;', 'lease.name;')],
  ['what is no JSON in a document', HUB_CONSUMER.replace('{deep: [null]}', 'new Map()')],
  ['what is no key', HUB_CONSUMER.replace("{env: 'OLD_KEY'}", '42')],
] as const;

/** What a strict compiler says of programs that use the library and nothing else, all at once, since reading the library takes it longest. */
async function compiled(programs: Readonly<Record<string, string>>): Promise<string> {
  const compilerOptions = {strict: true, noEmit: true, target: 'ES2023', module: 'NodeNext', types: []};
  const files = Object.keys(programs);
  for (const [file, code] of Object.entries(programs)) writeFileSync(join(folder, file), code);
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({compilerOptions, files}));
  const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc');
  return await run(process.execPath, [tsc, '--project', folder], {cwd: folder}).then(
    ({stdout}) => stdout,
    (error: unknown) => (error as {stdout: string}).stdout,
  );
}

test('is typed for programs that are checked strictly, and says what they do wrong', async () => {
  const faulty = FAULTS.map(([, code], index) => [`faulty-${index}.mts`, code] as const);
  const said = await compiled({
    'consumer.mts': CONSUMER,
    'hub-consumer.mts': HUB_CONSUMER,
    ...Object.fromEntries(faulty),
  });
  const wrong = new Set([...said.matchAll(/^([^\s(]+)\(.*error TS\d+/gm)].map(([, file]) => file));
  expect([...wrong].toSorted(), said).toEqual(faulty.map(([file]) => file));
});
