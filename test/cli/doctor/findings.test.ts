import {existsSync} from 'node:fs';
import {expect, test} from 'vitest';
import type {DaemonView} from '../../../src/api/contract.ts';
import {fail, ok} from '../../../src/base/result.ts';
import {daemonFindings} from '../../../src/cli/doctor/daemon.ts';
import {folderFindings, limitsFinding, nodeFinding} from '../../../src/cli/doctor/machine.ts';
import {straysFinding} from '../../../src/cli/doctor/strays.ts';

const view: DaemonView = {
  v: 1,
  pid: 7,
  version: '1.2.0',
  project: '/p',
  projectId: 'abc',
  socket: '/s',
  uptimeMs: 1,
  teams: [],
  hosts: [{id: 'host-1', pid: 8, state: 'connected', agents: 1, running: 0, version: '1.2.0'}],
  permits: {granted: 1, why: null},
  storeTrouble: null,
  warnings: [],
};

const seen = (changes: Partial<DaemonView>, version = '1.2.0') =>
  daemonFindings({answer: ok({...view, ...changes}), version, isAlive: true});

test.each([
  ['20.19.0', 'ok'],
  ['22.1.0', 'ok'],
  ['20.18.9', 'missing'],
  ['18.20.1', 'missing'],
])('Node %s is %s', (version, state) => {
  expect(nodeFinding(version)).toMatchObject({what: 'node', state});
});

test('limits of the OS are set against the agents that there may be', () => {
  const limits = {openFiles: 1024, processes: 96_000};
  expect(limitsFinding(limits, {agents: 200, isRoot: false})).toMatchObject({state: 'ok'});
  const few = limitsFinding(limits, {agents: 1000, isRoot: false});
  expect(few).toMatchObject({state: 'limited'});
  expect(few.text).toBe(
    '1024 open files, 96000 processes: enough for about 231 agents at work at a time, and max-agents is 1000; raise the limit of open files (ulimit -Hn)',
  );
  const narrow = {openFiles: null, processes: 400};
  expect(limitsFinding(narrow, {agents: 50, isRoot: false}).text).toContain('about 20 agents');
  expect(limitsFinding(narrow, {agents: 50, isRoot: false}).text).toContain('processes (ulimit -Hu)');
  expect(limitsFinding(narrow, {agents: 50, isRoot: true})).toMatchObject({state: 'ok'});
  expect(limitsFinding({openFiles: 64, processes: null}, {agents: 50, isRoot: false})).toMatchObject({
    state: 'missing',
  });
});

test('a breaker that is not closed is said with since when, until when and why', () => {
  const open = {
    of: {kind: 'provider', name: 'anthropic'},
    host: 'host-1',
    state: 'open',
    detail: 'connect ECONNREFUSED',
    sinceMs: Date.UTC(2026, 0, 2, 3, 4, 5),
    untilMs: Date.UTC(2026, 0, 2, 3, 4, 15),
  } as const;
  const half = {...open, of: {kind: 'runtime', name: 'pi'}, state: 'half-open', untilMs: null} as const;
  expect(seen({breakers: [open, half]}).slice(1)).toEqual([
    {
      what: 'provider',
      state: 'limited',
      text: 'the breaker of the provider anthropic on host-1 is open since 2026-01-02T03:04:05Z, nothing is started with it until 2026-01-02T03:04:15Z: connect ECONNREFUSED',
    },
    {
      what: 'runtime',
      state: 'limited',
      text: 'the breaker of the runtime pi on host-1 is half-open since 2026-01-02T03:04:05Z, one attempt shows whether it works again: connect ECONNREFUSED',
    },
  ]);
});

test('a daemon, or hosts, of another version are said with what to do', () => {
  expect(seen({})).toEqual([{what: 'daemon', state: 'ok', text: 'running, version 1.2.0, pid 7'}]);
  expect(seen({}, '1.3.0')[1]).toMatchObject({
    what: 'versions',
    state: 'limited',
    text: expect.stringMatching(/^this is godel 1\.3\.0 and the daemon is 1\.2\.0: `godel daemon stop`/),
  });
  const hosts = [{id: 'host-1', pid: 8, state: 'connected', agents: 1, running: 0, version: '1.1.0'}] as const;
  expect(seen({hosts})[1]?.text).toMatch(/^the daemon is 1\.2\.0 and hosts are 1\.1\.0: /);
});

test('a daemon that lives and does not answer is a fault, one that is not there is none', () => {
  const answer = fail({reason: 'daemon-unreachable', detail: 'Its process 7 is stopped.'} as const);
  expect(daemonFindings({answer, version: '1', isAlive: true})).toMatchObject([{state: 'missing'}]);
  expect(daemonFindings({answer, version: '1', isAlive: false})).toMatchObject([{state: 'ok'}]);
});

test('what the daemon cannot do, and what somebody should know, are findings', () => {
  const findings = seen({storeTrouble: 'the disk is full', warnings: ['A reboot has lost secrets.']});
  expect(findings).toMatchObject([
    {what: 'daemon', state: 'missing', text: expect.stringContaining('it cannot write: the disk is full')},
    {what: 'warning', state: 'limited', text: 'A reboot has lost secrets.'},
  ]);
});

test('strays are named by their task, and what was done with them is said', () => {
  const stray = {pid: 5, command: 'sleep 1', cookie: 's.1', team: 'audit', task: 'check', host: 'host-1'};
  expect(straysFinding({found: [], fixed: null})).toMatchObject({state: 'ok'});
  expect(straysFinding({found: [stray], fixed: null}).text).toBe(
    '1 process of dead hosts: 5 (audit: check); `godel doctor --fix` ends them',
  );
  expect(straysFinding({found: [stray], fixed: {ended: 1, left: []}})).toMatchObject({
    state: 'ok',
    text: '1 process of dead hosts: 5 (audit: check); ended',
  });
  expect(straysFinding({found: [stray], fixed: {ended: 0, left: [5]}})).toMatchObject({
    state: 'limited',
    text: expect.stringContaining('still there after SIGKILL: 5'),
  });
});

test('a project in which nothing can be written is said to be one', () => {
  expect(folderFindings(import.meta.dirname)).toEqual([]);
  // Read-only for everybody, root included, wherever there is a /proc.
  const folder = existsSync('/proc/self') ? '/proc/self' : '/';
  expect(folderFindings(folder)).toMatchObject([
    {what: 'folder', state: 'missing', text: expect.stringContaining(folder)},
  ]);
});
