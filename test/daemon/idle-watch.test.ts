import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {IdleWatch} from '../../src/daemon/idle-watch.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

test('the time counts from the last use: the end of a request, or when something was still in use', () => {
  const idle = vi.fn();
  let isInUse = false;
  const watch = new IdleWatch({idleMs: 1000, isInUse: () => isInUse, idle});
  watch.start();
  const done = watch.request();
  vi.advanceTimersByTime(5000);
  done();
  vi.advanceTimersByTime(900);
  expect(idle).not.toHaveBeenCalled();
  isInUse = true;
  vi.advanceTimersByTime(3000);
  expect(idle).not.toHaveBeenCalled();
  isInUse = false;
  vi.advanceTimersByTime(2000);
  expect(idle).toHaveBeenCalledOnce();
});
