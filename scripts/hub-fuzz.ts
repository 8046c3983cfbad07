import {once} from 'node:events';
import {parseArgs} from 'node:util';
import {WebSocket} from 'ws';
import {readClientFrame} from '../src/wire/hub-frame.ts';
import {HUB_ERROR_CODES, type HubFrame} from '../src/wire/hub-protocol.ts';
import {damagedFrames} from '../test/hub/server/damaged-frames.ts';
import {episode, pushOf, RawClient} from '../test/hub/server/hub-rig.ts';
import {until} from '../test/rig/until.ts';
import {HubChild} from './hub-child.ts';
import {recordTable} from './reliability-table.ts';

/**
 * Says damaged frames to a whole hub in a process of its own: `npm run fuzz:hub -- --frames 100000 --seed 1`. Ends with code 1 when the
 * hub makes a mistake of its own or dies, when a frame is not answered, or by an error that says nothing, when anything of another tenant
 * comes out, when somebody else's connection suffers, and when memory or handles are left over.
 */
const {values} = parseArgs({
  options: {
    frames: {type: 'string', default: '100000'},
    seed: {type: 'string', default: String(Date.now() % 1e6)},
    /** Write the result to docs/reliability.md. */
    record: {type: 'boolean', default: false},
  },
});
const [all, firstSeed] = [Number(values.frames), Number(values.seed)];
const BATCH = 1000;
const WARM_UP_BATCHES = 20;
const STRANGERS = 100;
const FRAMES_OF_A_STRANGER = 100;
const MOST_HEAP_MB = 16;
const MOST_RSS_MB = 64;
const SECRET = /launch code|hidden/;
const CODES: ReadonlySet<string> = new Set(HUB_ERROR_CODES);
const EVERY_BINARY = 29;

await using hub = await HubChild.start({
  limits: {strikes: 1e9, framesPerS: 1e9, framesBurst: 1e9, bytesPerS: 1e12, bytesBurst: 1e12, recallsAtOnce: 1e6},
});
const problems: string[] = [];
const answers = new Map<string, number>();
const idle = await hub.usage();
const hidden = await join('t1 hidden');
await hidden.ask('pushed', pushOf(episode('hidden', {task: 'the launch code is 0000', at: stamp()})));
const attacker = await join('t2 attacker');
let warm = idle;
for (let sent = 0; sent < all; sent += BATCH) {
  await attack(firstSeed + sent, Math.min(BATCH, all - sent));
  if (sent < WARM_UP_BATCHES * BATCH) warm = await hub.usage();
}
const after = await hub.usage();
problems.push(...after.mistakes);
if (after.heapMb - warm.heapMb > MOST_HEAP_MB) problems.push(`the heap has grown by ${after.heapMb - warm.heapMb} MB`);
if (after.rssMb - warm.rssMb > MOST_RSS_MB) problems.push(`memory has grown by ${after.rssMb - warm.rssMb} MB`);
const {entries} = await hidden.ask('entries', {type: 'pull', since: 0, limit: 10});
if (entries.length !== 1 || hidden.frames.length > 0) problems.push('the other tenant was changed or told something');
for (const client of [hidden, attacker]) client.webSocket.terminate();
const left = await until('the hub holds what it held before', async () => {
  const usage = await hub.usage();
  return usage.files <= idle.files && usage.resources <= idle.resources ? usage : null;
}).catch(async () => {
  problems.push(`left over: ${JSON.stringify({before: idle, after: await hub.usage()})}`);
  return hub.usage();
});
const closed = await strangers();
const row = {
  frames: all,
  'answered as they should be': [...answers.values()].reduce((sum, count) => sum + count, 0),
  'of these by an error': [...answers].reduce((sum, [kind, count]) => sum + (CODES.has(kind) ? count : 0), 0),
  'mistakes of the hub': 0,
  'files left open': Math.max(0, left.files - idle.files),
  'heap, MB': `${warm.heapMb.toFixed(0)} → ${after.heapMb.toFixed(0)}`,
  'memory, MB': `${warm.rssMb.toFixed(0)} → ${after.rssMb.toFixed(0)}`,
  'connections closed for bad frames, with the usual limits': closed,
};
console.table(row);
console.log(`from seed ${firstSeed} on, answers:`, Object.fromEntries(answers));
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
if (values.record && problems.length === 0) recordTable('hub-fuzz', row);

/** Says so many frames, and waits until as many answers have come as there should. */
async function attack(seed: number, count: number): Promise<void> {
  let expected = 0;
  let bad = 0;
  for (const [index, frame] of damagedFrames({seed, count, agentId: 'attacker'}).entries()) {
    const bytes = Buffer.from(frame);
    const binary = index % EVERY_BINARY === 0;
    const read = readClientFrame(bytes.toString());
    if (binary || !read.ok) bad += 1;
    if (binary || !read.ok || read.value.type !== 'received') expected += 1;
    attacker.webSocket.send(bytes, {binary});
  }
  const came: HubFrame[] = [];
  await until(`all frames of seed ${seed} are answered`, () => {
    if (attacker.closed) throw new Error(`the connection was closed: ${JSON.stringify(attacker.closed)}`);
    came.push(...attacker.frames.splice(0).filter(isAnswer));
    return came.length >= expected;
  });
  await attacker.ask('agents', {type: 'who'});
  came.push(...attacker.frames.splice(0).filter(isAnswer));
  if (came.length !== expected) problems.push(`seed ${seed}: ${came.length} answers to ${expected} frames`);
  if (SECRET.test(JSON.stringify(came))) problems.push(`seed ${seed}: something of another tenant came out`);
  const told = came.filter(frame => frame.type === 'error' && frame.code === 'bad-frame').length;
  if (told < bad) problems.push(`seed ${seed}: ${bad} bad frames, and ${told} were said to be bad`);
  for (const frame of came) {
    if (frame.type === 'error' && (!CODES.has(frame.code) || frame.code === 'internal' || frame.message.length < 10)) {
      problems.push(`seed ${seed}: an unclear error: ${JSON.stringify(frame)}`);
    }
    const kind = frame.type === 'error' ? frame.code : frame.type;
    answers.set(kind, (answers.get(kind) ?? 0) + 1);
  }
}

/** What is told unasked is no answer. */
function isAnswer(frame: HubFrame): boolean {
  if (frame.type === 'news' || frame.type === 'presence' || frame.type === 'message') return false;
  return frame.type !== 'document' || frame.id !== null;
}

/** Connections that begin with damaged frames, or go on with them, are told why and closed: how many. */
async function strangers(): Promise<number> {
  await using usual = await HubChild.start();
  let ended = 0;
  for (let index = 0; index < STRANGERS; index += 1) {
    const client = index % 2 === 0 ? await join(`t3 stranger-${index}`, usual.url) : await open(usual.url);
    const count = FRAMES_OF_A_STRANGER;
    for (const frame of damagedFrames({seed: firstSeed + all + index, count, agentId: 'x'})) {
      client.webSocket.send(Buffer.from(frame));
    }
    await client.end();
    const said = client.frames.some(frame => frame.type === 'error' && frame.id === null && frame.message.length >= 10);
    if (!said) problems.push(`stranger ${index} was closed without a word`);
    ended += 1;
  }
  problems.push(...(await usual.usage()).mistakes);
  return ended;
}

async function open(url = hub.url): Promise<RawClient> {
  const client = new RawClient(new WebSocket(url, {perMessageDeflate: false}));
  if (client.webSocket.readyState !== WebSocket.OPEN) await once(client.webSocket, 'open');
  return client;
}

async function join(token: string, url = hub.url): Promise<RawClient> {
  const client = await open(url);
  client.hello(token);
  await client.next('welcome');
  return client;
}

function stamp(): string {
  return `${Date.now().toString(16).padStart(12, '0')}-0000-fuzz`;
}
