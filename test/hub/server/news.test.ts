import {expect, test} from 'vitest';
import {until} from '../../rig/until.ts';
import {episode, pushOf, startHub} from './hub-rig.ts';

const PUSHES = 80;
const LISTENERS = 20;
const CROWD = 400;

test('whoever joins while others push is told exactly what came after its welcome, once, in order', async () => {
  await using rig = await startHub();
  const author = await rig.join('author', {news: false});
  // So many that telling goes on over several turns, and that what is told next has to wait.
  await Promise.all(Array.from({length: CROWD}, (_, index) => rig.join(`crowd-${index}`)));
  const listeners: {head: number; client: Awaited<ReturnType<typeof rig.open>>}[] = [];
  const pushing = (async () => {
    for (let pushed = 0; pushed < PUSHES; pushed += 1) await author.ask('pushed', pushOf(episode('author')));
  })();
  for (let index = 0; index < LISTENERS; index += 1) {
    const client = await rig.open();
    client.hello(rig.desk.issue(`listener-${index}`));
    listeners.push({client, head: (await client.next('welcome')).head});
  }
  await pushing;
  expect(listeners.some(({head}) => head > 0 && head < PUSHES)).toBe(true);
  for (const {client, head} of listeners) {
    const told = () => client.frames.flatMap(frame => (frame.type === 'news' ? frame.entries : []));
    await until('all is told', () => head === PUSHES || told().at(-1)?.position === PUSHES);
    expect(told().map(({position}) => position)).toEqual(
      Array.from({length: PUSHES - head}, (_, index) => head + 1 + index),
    );
  }
});
