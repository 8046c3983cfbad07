import assert from 'node:assert/strict';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import zlib from 'node:zlib';
import {EphemeralAgent, openCache} from 'godel';
import {FederationHubServer} from 'godel/hub';

const AGENTS = Number(process.argv[2] ?? process.env.AGENTS ?? 1000);
const GENERATIONS = Number(process.env.GENERATIONS ?? 10);
const AT_ONCE = Number(process.env.AT_ONCE ?? 20);
const USD_PER_AGENT_HOUR = 0.08;
const TENANT = 'packers';

/** Kinds of files, and ways to pack one. Which way is best for which kind is for the agents to find out. */
const KINDS = {
  'server log': logFile,
  'sensor samples': at => Int16Array.from({length: 8000}, (_, i) => 9000 * Math.sin((i + at) / 40) + noise(i * 7 + at)),
  'counter table': at => Uint32Array.from({length: 4000}, (_, i) => 10_000_000 + i * 1117 + noise(i + at * 31)),
};
const WAYS = {
  deflate: {pack: zlib.deflateRawSync, unpack: zlib.inflateRawSync},
  'Huffman codes only': {
    pack: bytes => zlib.deflateRawSync(bytes, {strategy: zlib.constants.Z_HUFFMAN_ONLY}),
    unpack: zlib.inflateRawSync,
  },
  brotli: {
    pack: bytes => zlib.brotliCompressSync(bytes, {params: {[zlib.constants.BROTLI_PARAM_QUALITY]: 9}}),
    unpack: zlib.brotliDecompressSync,
  },
  'differences of 16 bits': differences(Int16Array),
  'differences of 32 bits': differences(Uint32Array),
};

const TO_LEARN_FROM = 3 * Object.keys(KINDS).length * Object.keys(WAYS).length;
assert.ok(
  Math.floor((AGENTS * (GENERATIONS - 1)) / GENERATIONS) >= TO_LEARN_FROM && AGENTS >= 10 * GENERATIONS,
  `AGENTS must be at least ten times GENERATIONS, and ${TO_LEARN_FROM} must have lived before the last of those`,
);
const folder = mkdtempSync(join(tmpdir(), 'godel-generations-'));
const hub = new FederationHubServer({port: 0, dbPath: join(folder, 'hub.db'), embedder: {kind: 'hashed'}});
try {
  await hub.start();
  await run(`ws://127.0.0.1:${hub.address.port}`);
} finally {
  await hub.stop();
  rmSync(folder, {recursive: true, force: true});
}

async function run(hubEndpoint) {
  const startedMs = performance.now();
  const lives = [];
  for (let generation = 1; generation <= GENERATIONS; generation += 1) {
    // It starts with nothing of its own: what its agents know comes from the hub.
    const cache = openCache({tenantId: TENANT, memoryPath: ':memory:'});
    const waiting = numbersOf(generation);
    const born = waiting.length;
    const lane = async () => {
      for (let number = waiting.shift(); number !== undefined; number = waiting.shift()) {
        lives.push({generation, ...(await live({number, hubEndpoint, cache}))});
      }
    };
    await Promise.all(Array.from({length: Math.min(AT_ONCE, born)}, lane));
    cache.close();
    const left = percent(leftIn(lives, generation));
    console.log(`generation ${generation}: ${born} agents, files packed to ${left} on average`);
  }
  report(lives, (performance.now() - startedMs) / 1000);
}

/** One agent: asks what is known, packs one file, leaves what it has learned, and is gone. */
async function live({number, hubEndpoint, cache}) {
  const bornMs = performance.now();
  const token = await hub.security.generateToken(`packer-${number}`, TENANT, {expiresIn: '5m'});
  const agent = await EphemeralAgent.spawn({tenantId: TENANT, hubEndpoint, token, cache});
  const kind = Object.keys(KINDS)[number % Object.keys(KINDS).length];
  await agent.sync();
  const left = await agent.execute(async db => {
    const known = await db.queryMemories(`pack a ${kind}`, 20, {tags: [kind]});
    const way = choose(known, number);
    const share = pack(way, new Uint8Array(KINDS[kind](number).buffer));
    await db.storeEpisode({
      task: `pack a ${kind}`,
      output: way,
      critique: `${way} left ${percent(share)}`,
      reward: Math.max(0, 1 - share),
      tags: [kind],
    });
    return share;
  });
  const end = await agent.destroy();
  assert.equal(end.unsynced, 0, `what ${agent.agentId} has learned reached the hub: ${end.error?.message}`);
  return {agentId: agent.agentId, left, seconds: (performance.now() - bornMs) / 1000};
}

/** A way that nobody has tried while little is known, else the one that did best. */
function choose(known, number) {
  const ways = Object.keys(WAYS);
  const untried = ways.filter(way => !known.some(({episode}) => episode.output === way));
  if (known.length < 2 * ways.length && untried.length > 0) return untried[number % untried.length];
  return known.reduce((best, one) => (one.episode.reward > best.episode.reward ? one : best)).episode.output;
}

/** The share of a file that is left, once it has been shown that it comes back as it was. */
function pack(way, bytes) {
  const packed = WAYS[way].pack(bytes);
  assert.ok(Buffer.from(WAYS[way].unpack(packed)).equals(bytes), `${way} loses nothing`);
  return packed.length / bytes.length;
}

function report(lives, seconds) {
  const agentSeconds = lives.reduce((sum, life) => sum + life.seconds, 0);
  const cost = usd(agentSeconds);
  const kept = usd(AGENTS * seconds);
  console.log(`${AGENTS} agents lived ${agentSeconds.toFixed(1)} agent-seconds within ${seconds.toFixed(1)} s`);
  console.log(`at ${USD_PER_AGENT_HOUR} USD per agent-hour: ${cost.toFixed(5)} USD`);
  console.log(
    `${AGENTS} agents kept alive all the while: ${kept.toFixed(5)} USD, ${(kept / cost).toFixed(0)} times as much`,
  );
  assert.equal(new Set(lives.map(({agentId}) => agentId)).size, AGENTS, 'every agent had an id of its own');
  assert.equal(hub.getStats().episodes, AGENTS, 'the hub has what each of them learned');
  const [first, last] = [leftIn(lives, 1), leftIn(lives, GENERATIONS)];
  const blind = leftByChance(GENERATIONS);
  assert.ok(last < first && last < 0.8 * blind, 'the last generation packs better than the first, and than by chance');
  console.log(`ok: from ${percent(first)} to ${percent(last)}; any way for any file would be ${percent(blind)}`);
}

/** What is left of the files of a generation on average over all ways. */
function leftByChance(generation) {
  const kinds = Object.keys(KINDS);
  const shares = numbersOf(generation).flatMap(number => {
    const bytes = new Uint8Array(KINDS[kinds[number % kinds.length]](number).buffer);
    return Object.keys(WAYS).map(way => pack(way, bytes));
  });
  return shares.reduce((sum, share) => sum + share, 0) / shares.length;
}

function numbersOf(generation) {
  const [from, to] = [generation - 1, generation].map(end => Math.floor((AGENTS * end) / GENERATIONS));
  return Array.from({length: to - from}, (_, index) => from + index);
}

function leftIn(lives, generation) {
  const its = lives.filter(life => life.generation === generation);
  return its.reduce((sum, {left}) => sum + left, 0) / its.length;
}

function usd(agentSeconds) {
  return (agentSeconds / 3600) * USD_PER_AGENT_HOUR;
}

function percent(share) {
  return `${(share * 100).toFixed(1)} %`;
}

/** Numbers as their differences from the ones before, which wrap as the type does, and then deflate. */
function differences(Numbers) {
  return {
    pack(bytes) {
      const numbers = new Numbers(Uint8Array.from(bytes).buffer);
      return zlib.deflateRawSync(numbers.map((value, at) => (at === 0 ? value : value - numbers[at - 1])));
    },
    unpack(packed) {
      const numbers = new Numbers(Uint8Array.from(zlib.inflateRawSync(packed)).buffer);
      for (let at = 1; at < numbers.length; at += 1) numbers[at] += numbers[at - 1];
      return new Uint8Array(numbers.buffer);
    },
  };
}

function logFile(at) {
  const lines = Array.from({length: 200}, (_, i) => {
    const path = ['/', '/cart', '/login', '/items'][noise(i + at) % 4];
    return `2026-11-20T10:${10 + (i % 50)}:00Z GET ${path}?id=${noise(i * 3 + at)} 200 ${noise(i * 5)} ms\n`;
  });
  // Four bytes at a time, as the other kinds have them.
  const text = lines.join('');
  return new TextEncoder().encode(text.padEnd(Math.ceil(text.length / 4) * 4));
}

/** 0 to 99, the same for the same number. */
function noise(seed) {
  return ((Math.imul(seed + 1, 2654435761) >>> 8) % 1000) % 100;
}
