import {afterEach, expect, test} from 'vitest';
import {until} from '../../rig/until.ts';
import {type HubRig, episode, pushOf, startHub} from './hub-rig.ts';

const rigs: HubRig[] = [];
afterEach(async () => {
  for (const rig of rigs.splice(0)) await rig[Symbol.asyncDispose]();
});
async function hub(...options: Parameters<typeof startHub>): Promise<HubRig> {
  const rig = await startHub(...options);
  rigs.push(rig);
  return rig;
}

/** More than the sockets of both sides hold. */
const ROUNDS = 40;
const PER_ROUND = 100;
const BYTES = 4000;

test('a reader that stalls is told to pull when it reads again, costs little, and the others get everything', async () => {
  const rig = await hub({limits: {deadAfterMs: 60_000}});
  const [author, reader, stalled] = [await rig.join('author'), await rig.join('reader'), await rig.join('stalled')];
  stalled.webSocket.pause();
  const input = 'x'.repeat(BYTES);
  for (let round = 0; round < ROUNDS; round += 1) {
    await author.ask('pushed', pushOf(...Array.from({length: PER_ROUND}, () => episode('author', {input}))));
  }
  const all = ROUNDS * PER_ROUND;
  const positions = () =>
    reader.frames.flatMap(frame => (frame.type === 'news' ? frame.entries.map(({position}) => position) : []));
  await until('the reader has everything', () => positions().length === all);
  expect(positions()).toEqual(Array.from({length: all}, (_, index) => index + 1));
  stalled.webSocket.resume();
  const called = await stalled.next('news', ({entries}) => entries.length === 0);
  expect(called.head).toBe(all);
  const told = stalled.frames.flatMap(frame =>
    frame.type === 'news' ? frame.entries.map(({position}) => position) : [],
  );
  expect(told.length).toBeLessThan(all);
  // What it was told is the beginning, without gaps, so that it can pull from there.
  expect(told).toEqual(Array.from({length: told.length}, (_, index) => index + 1));
  await author.ask('pushed', pushOf(episode('author')));
  expect(await stalled.next('news', ({entries}) => entries.length === 1)).toMatchObject({head: all + 1});
});

test('who came and went meanwhile is made up for, and dropped messages are counted', async () => {
  const rig = await hub({limits: {deadAfterMs: 60_000, queuedMessages: 10}});
  const [author, stalled] = [await rig.join('author'), await rig.join('stalled')];
  const gone = await rig.join('gone');
  await stalled.next('presence');
  stalled.webSocket.pause();
  const body = 'x'.repeat(200_000);
  const message = (id: string, to: string | null) =>
    ({
      type: 'message',
      message: {id, to, topic: null, kind: 'message', body, priority: 'normal', correlationId: null},
    }) as const;
  const sent = 100;
  for (let index = 0; index < sent; index += 1) await author.ask('ok', message(`m${index}`, null));
  await author.ask('ok', {
    ...message('direct', 'stalled'),
    message: {...message('direct', 'stalled').message, body: 'direct'},
  });
  gone.webSocket.close(1000);
  await author.next('presence', ({left}) => left.length > 0);
  await rig.join('come');
  stalled.webSocket.resume();
  const dropped = await stalled.next('error');
  expect(dropped).toMatchObject({id: null, code: 'too-slow'});
  await stalled.next('message', ({message: {id}}) => id === 'direct');
  const made = await stalled.next('presence', ({left}) => left.length > 0);
  expect(made).toMatchObject({left: [{agentId: 'gone', why: 'left'}]});
  expect(made.changed.map(({agentId}) => agentId)).toContain('come');
  const taken = stalled.frames.filter(({type}) => type === 'message').length;
  expect(dropped.message).toMatch(new RegExp(`^${sent - taken} message`));
});
