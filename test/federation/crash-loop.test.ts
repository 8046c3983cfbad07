import fc from 'fast-check';
import {expect, test} from 'vitest';
import {seededRandom} from '../../src/base/random.ts';
import {
  CRASH_LOOP,
  type CrashLoop,
  mayStart,
  nextCrashLoop,
  startEvidenceOf,
  STEADY,
} from '../../src/federation/crash-loop.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import {failing, SUCCESS} from './engine-world.ts';

const random = seededRandom(1);

function die(state: CrashLoop, nowMs: number, startedMs = nowMs, isLasting = false): CrashLoop {
  return nextCrashLoop(
    state,
    {kind: 'died-at-start', startedMs, isLasting, detail: `died at ${nowMs}`},
    {nowMs, random},
  );
}

test('what dies five times in a row is parked with what it said last; it is tried again later each time', () => {
  let state: CrashLoop = STEADY;
  let nowMs = 0;
  const delays: number[] = [];
  while (state.name !== 'parked') {
    state = die(state, nowMs);
    if (state.name !== 'failing') break;
    expect(mayStart(state, nowMs)).toBe(false);
    delays.push(state.retryAtMs - nowMs);
    nowMs = state.retryAtMs;
    expect(mayStart(state, nowMs)).toBe(true);
  }
  expect(state).toEqual({name: 'parked', times: 5, sinceMs: nowMs, detail: `died at ${nowMs}`});
  expect(delays).toHaveLength(4);
  for (const [index, delay] of delays.entries()) {
    expect(delay).toBeGreaterThanOrEqual(CRASH_LOOP.baseMs * 2 ** index * 0.5);
    expect(delay).toBeLessThanOrEqual(CRASH_LOOP.baseMs * 2 ** index);
  }
});

test('a hundred that were started together and die have died once', () => {
  let state = die(STEADY, 1000, 900);
  for (let other = 0; other < 100; other += 1) state = die(state, 1001 + other, 900);
  expect(state).toMatchObject({name: 'failing', times: 1, detail: 'died at 1100'});
});

test('whatever happens, it is parked only by five deaths without a success between them', () => {
  const steps = fc.array(fc.constantFrom('die', 'worked', 'restarted'), {maxLength: 60});
  fc.assert(
    fc.property(steps, all => {
      let state: CrashLoop = STEADY;
      let inRow = 0;
      let nowMs = 0;
      for (const step of all) {
        nowMs += 60_000;
        state = step === 'die' ? die(state, nowMs) : nextCrashLoop(state, {kind: step as 'worked'}, {nowMs, random});
        inRow = step === 'die' ? inRow + 1 : 0;
        expect(state.name).toBe(inRow === 0 ? 'steady' : inRow < 5 ? 'failing' : 'parked');
      }
    }),
  );
});

test('that a host leaves it alone counts like a death that changes no delay, and never parks it', () => {
  const leaveAlone = (state: CrashLoop) => nextCrashLoop(state, {kind: 'left-alone'}, {nowMs: 5000, random});
  expect(leaveAlone(STEADY)).toEqual(STEADY);
  let state = die(STEADY, 0);
  if (state.name !== 'failing') throw new Error('it has died');
  const {retryAtMs} = state;
  expect(leaveAlone(state)).toMatchObject({name: 'failing', times: 2, retryAtMs});
  for (let times = 0; times < 9; times += 1) state = leaveAlone(state);
  expect(state).toMatchObject({name: 'failing', times: 4, retryAtMs});
  state = die(state, 60_000);
  expect(state.name).toBe('parked');
  expect(leaveAlone(state)).toEqual(state);
});

test('of a cause that does not pass by itself five are enough, also side by side', () => {
  let state: CrashLoop = STEADY;
  for (let other = 0; other < 5; other += 1) state = die(state, 1000, 900, true);
  expect(state.name).toBe('parked');
});

test('only an early end without a word is a death at the start', () => {
  const silent = {startedMs: 5, hasSpoken: false, standsOut: false};
  const crashed = failing({reason: 'agent-error', runtime: 'pi', kind: 'crashed', detail: 'no module', exitCode: 1});
  const death = {kind: 'died-at-start', startedMs: 5, isLasting: false, detail: 'no module'};
  expect(startEvidenceOf(crashed, silent)).toEqual(death);
  expect(startEvidenceOf(crashed, {...silent, hasSpoken: true})).toBeNull();
  expect(startEvidenceOf({...crashed, durationMs: 60_000}, silent)).toEqual({kind: 'worked'});
  expect(startEvidenceOf({...crashed, usage: {...UNKNOWN_USAGE, outputTokens: 3}}, silent)).toEqual({kind: 'worked'});
  expect(startEvidenceOf(SUCCESS, silent)).toEqual({kind: 'worked'});
  const refused = failing({reason: 'agent-error', runtime: 'pi', kind: 'refused', detail: 'no', exitCode: 1});
  expect(startEvidenceOf(refused, silent)).toBeNull();
  const own = failing({reason: 'agent-error', runtime: 'my-script', kind: 'crashed', detail: 'no', exitCode: 1});
  expect(startEvidenceOf(own, silent)).toBeNull();
  expect(startEvidenceOf(own, {...silent, standsOut: true})).toEqual({...death, detail: 'no'});
  expect(startEvidenceOf(own, {...silent, standsOut: true, hasSpoken: true})).toBeNull();
  const auth = failing({reason: 'agent-error', runtime: 'my-script', kind: 'auth', detail: 'no key', exitCode: 1});
  expect(startEvidenceOf(auth, silent)).toMatchObject({kind: 'died-at-start', isLasting: true});
});
