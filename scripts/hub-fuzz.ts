import {parseArgs} from 'node:util';
import {damagedFrames} from '../test/hub/server/damaged-frames.ts';
import {episode, pushOf, startHub} from '../test/hub/server/hub-rig.ts';

/**
 * Says damaged frames to a hub: `tsx scripts/hub-fuzz.ts --frames 100000 --seed 1`. Ends with code 1 when the hub makes a mistake of
 * its own, when anything of another tenant comes out, or when somebody else's connection suffers.
 */
const {values} = parseArgs({options: {frames: {type: 'string'}, seed: {type: 'string'}}});
const [all, firstSeed] = [Number(values.frames ?? 100_000), Number(values.seed ?? Date.now() % 1e6)];
const BATCH = 1000;
const SECRET = /launch code|hidden/;

await using rig = await startHub({
  limits: {strikes: 1e9, framesPerS: 1e9, framesBurst: 1e9, bytesPerS: 1e12, bytesBurst: 1e12},
});
const hidden = await rig.join('hidden', {tenantId: 't1'});
await hidden.ask('pushed', pushOf(episode('hidden', {task: 'the launch code is 0000'})));
let attacker = await rig.join('attacker', {tenantId: 't2'});
const answers = new Map<string, number>();
let connections = 1;
const problems: string[] = [];
for (let sent = 0; sent < all; sent += BATCH) {
  const seed = firstSeed + sent;
  for (const [index, frame] of damagedFrames({
    seed,
    count: Math.min(BATCH, all - sent),
    agentId: 'attacker',
  }).entries()) {
    if (attacker.webSocket.readyState !== attacker.webSocket.OPEN) {
      attacker = await rig.join('attacker', {tenantId: 't2'});
      connections += 1;
    }
    attacker.webSocket.send(Buffer.from(frame), {binary: index % 29 === 0});
  }
  await attacker.ask('agents', {type: 'who'});
  const frames = attacker.frames.splice(0);
  if (SECRET.test(JSON.stringify(frames))) problems.push(`seed ${seed}: something of another tenant came out`);
  for (const frame of frames) {
    const kind = frame.type === 'error' ? frame.code : frame.type;
    answers.set(kind, (answers.get(kind) ?? 0) + 1);
  }
  const mistakes = rig.events.splice(0).filter(({kind}) => kind === 'unexpected');
  if (mistakes.length > 0)
    problems.push(`seed ${seed}: ${mistakes.map(event => JSON.stringify(event, shown)).join('; ')}`);
}
const {entries} = await hidden.ask('entries', {type: 'pull', since: 0, limit: 10});
if (entries.length !== 1 || hidden.frames.length > 0) problems.push('the other tenant was changed or told something');
console.log(
  `${all} frames from seed ${firstSeed} on, ${connections} connection(s), answers:`,
  Object.fromEntries(answers),
);
for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;

function shown(_: string, value: unknown): unknown {
  return value instanceof Error ? value.stack : value;
}
