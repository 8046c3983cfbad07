import {spawn} from 'node:child_process';
import {once} from 'node:events';
import {createRequire} from 'node:module';
import {createInterface} from 'node:readline';
import {pathToFileURL} from 'node:url';
import {describe, expect, it} from 'vitest';
import {StoreRig} from './store-rig.ts';

const CHILD = new URL('appending-child.ts', import.meta.url).pathname;
const TSX = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href;

describe('a store whose process is killed', () => {
  it('has all that was flushed, each once, at positions without gaps, in ten rounds of SIGKILL', async () => {
    using rig = new StoreRig();
    let before = 0;
    for (let round = 0; round < 10; round += 1) {
      const acknowledged = await appendUntil(rig.file, before + 1 + Math.floor(Math.random() * 300));
      using store = rig.open();
      const head = store.head('a');
      expect(head % 2).toBe(0);
      expect(head / 2).toBeGreaterThanOrEqual(acknowledged);
      const ids: string[] = [];
      for (let more = true; more; ) {
        const page = store.pull('a', ids.length, 500, 1e6);
        for (const entry of page.entries) {
          ids.push(entry.kind === 'episode' ? entry.episode.id : entry.change.id);
          expect(entry.position).toBe(ids.length);
        }
        more = page.more;
      }
      const numbers = Array.from({length: head / 2}, (_, index) => index + 1);
      expect(ids).toEqual(numbers.flatMap(number => [`numbered-${number}`, `use-of-${number}`]));
      expect(store.get('a', `numbered-${head / 2}`)?.state.uses).toBe(1);
      expect(store.verify()).toMatchObject({findings: [], episodes: head / 2});
      before = head / 2;
    }
  }, 60_000);
});

/** The last number the child has said to be durable before it was killed. */
async function appendUntil(file: string, goal: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', TSX, CHILD, file], {stdio: ['ignore', 'pipe', 'inherit']});
  const exited = once(child, 'exit');
  let last = 0;
  for await (const line of createInterface({input: child.stdout})) {
    last = Number(line);
    // Lines that are on their way are read too: what they say was durable as well.
    if (last >= goal) child.kill('SIGKILL');
  }
  const [, signal] = (await exited) as [number | null, NodeJS.Signals | null];
  expect(signal).toBe('SIGKILL');
  return last;
}
