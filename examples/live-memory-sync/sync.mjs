import assert from 'node:assert/strict';
import {EventEmitter, once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {createRealtimeHub, EphemeralAgent} from 'godel';
import {FederationHubServer} from 'godel/hub';

const AGENTS = Number(process.argv[2] ?? process.env.AGENTS ?? 10);
const EACH = Number(process.env.MEMORIES ?? 50);
const TENANT = 'crew';
const PATIENCE_MS = 30_000;

assert.ok(AGENTS >= 2 && EACH >= 1, 'AGENTS must be at least 2, MEMORIES at least 1');
const expected = AGENTS * (AGENTS - 1) * EACH;
const storedMs = new Map();
const seen = new Map();
const delaysMs = [];
const crew = [];
const everything = new EventEmitter();

const folder = mkdtempSync(join(tmpdir(), 'godel-live-'));
const server = new FederationHubServer({port: 0, dbPath: join(folder, 'hub.db'), embedder: {kind: 'hashed'}});
try {
  await server.start();
  const heardAll = once(everything, 'heard', {signal: AbortSignal.timeout(PATIENCE_MS)});
  for (let number = 1; number <= AGENTS; number += 1) crew.push(await enlist(`agent-${number}`));
  await Promise.all(crew.map(({agent}) => remember(agent)));
  await heardAll;
  await report();
} finally {
  for (const {talk, agent} of crew) {
    await talk.shutdown();
    await agent.destroy();
  }
  await server.stop();
  rmSync(folder, {recursive: true, force: true});
}

/** An agent with a memory of its own, which listens for what the others store. */
async function enlist(agentId) {
  const token = await server.security.generateToken(agentId, TENANT);
  const hubEndpoint = `ws://127.0.0.1:${server.address.port}`;
  const agent = await EphemeralAgent.spawn({tenantId: TENANT, hubEndpoint, token, news: true});
  const talk = createRealtimeHub(agentId, TENANT, {hub: agent.hub});
  talk.on('memory:added', ({episode}) => heard(agentId, episode));
  await talk.connect();
  return {agent, talk};
}

/** Stores one memory after the other; each is at the hub before the next is made. */
async function remember(agent) {
  for (let number = 1; number <= EACH; number += 1) {
    const task = `lesson ${number} of ${agent.agentId}`;
    storedMs.set(task, performance.now());
    await agent.storeEpisode({task, output: `what ${agent.agentId} has seen`, reward: 1});
    await agent.sync();
  }
}

function heard(by, {task}) {
  delaysMs.push(performance.now() - storedMs.get(task));
  const key = `${task} at ${by}`;
  seen.set(key, (seen.get(key) ?? 0) + 1);
  if (delaysMs.length === expected) everything.emit('heard');
}

async function report() {
  assert.equal(seen.size, expected, 'every agent has heard of every memory of the others');
  assert.ok(
    [...seen.values()].every(times => times === 1),
    'and of each once',
  );
  for (const {agent} of crew) {
    assert.equal(agent.getInfo().sync.position, AGENTS * EACH, `${agent.agentId} has all of the log`);
    const other = crew.find(({agent: {agentId}}) => agentId !== agent.agentId).agent.agentId;
    const [found] = await agent.queryMemories(`lesson ${EACH} of ${other}`, 1);
    assert.equal(found.episode.agentId, other, `${agent.agentId} recalls what ${other} has stored`);
  }
  const sorted = delaysMs.toSorted((a, b) => a - b);
  const at = share => sorted[Math.ceil(sorted.length * share) - 1].toFixed(1);
  console.log(`${AGENTS} agents stored ${AGENTS * EACH} memories and heard ${delaysMs.length} times of one`);
  console.log(`from storing one to hearing of it: p50 ${at(0.5)} ms, p99 ${at(0.99)} ms`);
  console.log('ok: each heard once, recalled by all');
}
