import {expect, test} from 'vitest';
import {Coalescing} from '../../../src/hub/client/coalescing.ts';

test('who asks while it runs shares a run that begins afterwards', async () => {
  const coalescing = new Coalescing<number>();
  let runs = 0;
  const gates: (() => void)[] = [];
  const run = async () => {
    runs += 1;
    const mine = runs;
    await new Promise<void>(resolve => gates.push(resolve));
    return mine;
  };
  const first = coalescing.call(run);
  const others = [coalescing.call(run), coalescing.call(run)];
  expect(runs).toBe(1);
  gates.shift()!();
  expect(await first).toBe(1);
  await Promise.resolve();
  expect(runs).toBe(2);
  gates.shift()!();
  expect(await Promise.all(others)).toEqual([2, 2]);
  const last = coalescing.call(run);
  gates.shift()!();
  expect(await last).toBe(3);
});

test('a run that fails fails for those who shared it, and not for those after it', async () => {
  const coalescing = new Coalescing<string>();
  const first = coalescing.call(() => Promise.reject(new Error('no')));
  const next = coalescing.call(() => Promise.resolve('yes'));
  await expect(first).rejects.toThrow('no');
  expect(await next).toBe('yes');
});
