import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {Pulse} from '../../../src/host/watch/pulse.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const pass = (ms: number) => vi.advanceTimersByTime(ms);

test('silence counts from the last sign of life, while a program runs', () => {
  const pulse = new Pulse();
  pass(5000);
  expect(pulse.silentMs).toBe(0);
  pulse.begun();
  pass(300);
  expect(pulse.silentMs).toBe(300);
  pulse.printed(12);
  pass(200);
  expect(pulse).toMatchObject({silentMs: 200, outputBytes: 12});
  pulse.ended();
  pass(9000);
  expect(pulse.silentMs).toBe(0);
  pulse.begun();
  pass(100);
  expect(pulse.silentMs).toBe(100);
});

test('a pause does not count, and silence goes on where it was', () => {
  const pulse = new Pulse();
  pulse.begun();
  pass(400);
  pulse.isPaused = true;
  pass(60_000);
  expect(pulse.silentMs).toBe(400);
  pulse.isPaused = false;
  pass(50);
  expect(pulse.silentMs).toBe(450);
});

test('what is still printed while it is being paused is a sign of life', () => {
  const pulse = new Pulse();
  pulse.begun();
  pass(400);
  pulse.isPaused = true;
  pulse.printed(1);
  pass(1000);
  expect(pulse.silentMs).toBe(0);
});
