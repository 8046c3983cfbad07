import assert from 'node:assert/strict';
import {spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createRealtimeHub, EphemeralAgent} from 'godel';
import {FederationHubServer} from 'godel/hub';

const HELPERS = Number(process.argv[2] ?? process.env.AGENTS ?? 4);
const TENANT = 'workshop';
const PATIENCE_MS = 15_000;

/** What is wrong: numbers are sorted as if they were text. */
const SCRIPT = `
import assert from 'node:assert/strict';

const median = numbers => numbers.sort()[Math.floor(numbers.length / 2)];

assert.equal(median([3, 1, 2]), 2, 'median of small numbers');
assert.equal(median([100, 9, 20, 5, 7]), 9, 'median: sorting numbers gives the wrong order');
console.log('median works');
`;

/** What the helpers have been through before, each in a life of its own. */
const LESSONS = [
  {
    task: 'dates are a day off in a test of the calendar',
    critique: 'the test runs in another time zone',
    output: {replace: 'getDate()', with: 'getUTCDate()'},
  },
  {
    task: 'numbers come out in the wrong order after sorting an array',
    critique: 'sort() compares elements as text, so that 100 comes before 20: give it a comparison',
    output: {replace: '.sort()', with: '.sort((a, b) => a - b)'},
  },
  {
    task: 'a JSON file cannot be parsed, unexpected token at position 0',
    critique: 'it begins with a byte order mark',
    output: {replace: 'JSON.parse(text)', with: String.raw`JSON.parse(text.replace(/^\uFEFF/, ''))`},
  },
  {
    task: 'equality of two objects fails although they look the same',
    critique: 'it compares identity',
    output: {replace: 'assert.equal', with: 'assert.deepEqual'},
  },
];

assert.ok(HELPERS >= 2, 'AGENTS must be at least 2: one of them has to have the cure');
const folder = mkdtempSync(join(tmpdir(), 'godel-debugging-'));
const script = join(folder, 'median.mjs');
const server = new FederationHubServer({port: 0, dbPath: join(folder, 'hub.db'), embedder: {kind: 'hashed'}});
const closing = [];
try {
  await server.start();
  for (let number = 0; number < HELPERS; number += 1)
    await helper(`helper-${number}`, LESSONS[number % LESSONS.length]);
  writeFileSync(script, SCRIPT);
  const helpedBy = await debug();
  await check(helpedBy);
} finally {
  for (const close of closing.reverse()) await close();
  await server.stop();
  rmSync(folder, {recursive: true, force: true});
}

/** Has a memory of its own that it keeps to itself, and answers from it when it is asked. */
async function helper(agentId, {output, ...lesson}) {
  const self = await EphemeralAgent.spawn({tenantId: TENANT, agentId});
  await self.storeEpisode({...lesson, output: JSON.stringify(output), reward: 1});
  const talk = createRealtimeHub(agentId, TENANT, {...(await access(agentId)), skills: ['debugging']});
  talk.on('message:request_help', async ({question, message}) => {
    const [memory] = await self.queryMemories(question, 1);
    const {critique, output: cure} = memory?.episode ?? {};
    await talk.reply(message, memory === undefined ? null : {critique, cure: JSON.parse(cure)});
  });
  await talk.connect();
  closing.push(async () => {
    await talk.shutdown();
    await self.destroy();
  });
}

/** Is stuck on a script that fails; tries what the others answer until it passes, and answers who it was. */
async function debug() {
  const agentId = 'stuck';
  const {endpoint: hubEndpoint, token} = await access(agentId);
  const agent = await EphemeralAgent.spawn({tenantId: TENANT, hubEndpoint, token});
  const talk = createRealtimeHub(agentId, TENANT, {hub: agent.hub});
  closing.push(async () => {
    await talk.shutdown();
    await agent.destroy();
  });
  const failure = run();
  assert.notEqual(failure.status, 0, 'the script fails at first');
  const error = /AssertionError.*: (.*)/.exec(failure.stderr)[1];
  console.log(`stuck: ${error}`);
  await agent.sync();
  assert.deepEqual(await agent.queryMemories(error, 1), [], 'the hub does not know the cure yet');

  const answers = await talk.requestHelp(error, {skills: ['debugging'], answers: HELPERS, deadlineMs: PATIENCE_MS});
  assert.equal(answers.length, HELPERS, 'everybody has answered');
  for (const {from, body} of answers) {
    console.log(`${from}: ${body === null ? 'I do not know' : body.critique}`);
    if (body === null || !tryCure(body.cure)) continue;
    await agent.storeEpisode({task: error, critique: body.critique, output: JSON.stringify(body.cure), reward: 1});
    await agent.sync();
    return from;
  }
  throw new Error('nobody knew what to do');
}

/** Whether the script passes with it; if not, the script is put back. */
function tryCure({replace, with: by}) {
  const before = readFileSync(script, 'utf8');
  writeFileSync(script, before.replaceAll(replace, by));
  const {status} = run();
  if (status !== 0) writeFileSync(script, before);
  return status === 0;
}

async function check(helpedBy) {
  const {status, stdout} = run();
  assert.equal(status, 0, 'the script passes');
  assert.equal(stdout, 'median works\n');
  assert.equal(Number(helpedBy.split('-')[1]) % LESSONS.length, 1, 'who helped is one who had the cure');
  // Who comes later does not have to ask.
  const {endpoint: hubEndpoint, token} = await access('later');
  const later = await EphemeralAgent.spawn({tenantId: TENANT, hubEndpoint, token});
  await later.sync();
  const [memory] = await later.queryMemories('sorting numbers gives the wrong order', 1);
  await later.destroy();
  assert.equal(memory.episode.agentId, 'stuck', 'what was learned is at the hub');
  console.log(`ok: ${helpedBy} had the cure, the script passes, and the hub remembers it`);
}

function run() {
  return spawnSync(process.execPath, [script], {encoding: 'utf8', timeout: PATIENCE_MS});
}

async function access(agentId) {
  const endpoint = `ws://127.0.0.1:${server.address.port}`;
  return {endpoint, token: await server.security.generateToken(agentId, TENANT)};
}
