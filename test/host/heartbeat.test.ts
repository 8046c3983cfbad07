import {afterEach, beforeEach, expect, test, vi} from 'vitest';
import {Heartbeat} from '../../src/host/heartbeat.ts';
import type {Vitals} from '../../src/model/health.ts';
import {attemptId} from '../../src/model/ids.ts';
import type {HostMessage} from '../../src/wire/host-protocol.ts';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const SOME: Vitals = {attempt: attemptId(1), processes: 1, cpuMs: 1, rssBytes: 1, outputBytes: 1, silentMs: 1};

function rig() {
  const sent: HostMessage[] = [];
  const news: Vitals[][] = [];
  const heartbeat = new Heartbeat(
    message => sent.push(message),
    () => news.shift() ?? [],
  );
  return {heartbeat, sent, news, types: () => sent.map(({type}) => type)};
}

test('it beats twice a second while there are teams and a daemon, and has no timer otherwise', () => {
  const {heartbeat, sent} = rig();
  heartbeat.hasTeams = true;
  expect(vi.getTimerCount()).toBe(0);
  heartbeat.protocol = 2;
  vi.advanceTimersByTime(2500);
  expect(sent).toHaveLength(5);
  heartbeat.protocol = null;
  expect(vi.getTimerCount()).toBe(0);
  heartbeat.protocol = 2;
  heartbeat.hasTeams = false;
  expect(vi.getTimerCount()).toBe(0);
});

test('vitals take the place of a beat, for a daemon that knows them', () => {
  const {heartbeat, sent, news, types} = rig();
  news.push([SOME], [], [SOME]);
  heartbeat.hasTeams = true;
  heartbeat.protocol = 2;
  vi.advanceTimersByTime(1000);
  expect(types()).toEqual(['vitals', 'beat']);
  expect(sent[0]).toEqual({type: 'vitals', lagMs: 0, vitals: [SOME]});
  heartbeat.protocol = 1;
  vi.advanceTimersByTime(500);
  expect(types()).toEqual(['vitals', 'beat', 'beat']);
});

test('asked, it beats at once, and then as usual from there on', () => {
  const {heartbeat, sent, news, types} = rig();
  heartbeat.beatNow();
  expect(sent).toEqual([]);
  heartbeat.hasTeams = true;
  heartbeat.protocol = 2;
  vi.advanceTimersByTime(700);
  news.push([SOME]);
  heartbeat.beatNow();
  expect(types()).toEqual(['beat', 'vitals']);
  expect(sent[1]).toEqual({type: 'vitals', lagMs: 0, vitals: [SOME]});
  vi.advanceTimersByTime(499);
  expect(sent).toHaveLength(2);
  vi.advanceTimersByTime(1);
  expect(types()).toEqual(['beat', 'vitals', 'beat']);
  expect(vi.getTimerCount()).toBe(1);
});

test('a loop that is late says by how much', () => {
  const {heartbeat, sent} = rig();
  heartbeat.hasTeams = true;
  heartbeat.protocol = 2;
  // Time that passes while no timer can fire.
  const late = vi.spyOn(process.hrtime, 'bigint').mockReturnValueOnce(process.hrtime.bigint() + 800_000_000n);
  vi.advanceTimersByTime(500);
  expect(sent).toEqual([{type: 'vitals', lagMs: 300, vitals: []}]);
  vi.advanceTimersByTime(1000);
  expect(sent.at(-1)).toEqual({type: 'beat'});
  late.mockRestore();
});
