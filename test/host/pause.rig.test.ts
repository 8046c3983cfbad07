import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {agentId, teamId} from '../../src/model/ids.ts';
import {identityOf, processState} from '../../src/os/process-identity.ts';
import {Puppets} from '../rig/puppet.ts';
import {until} from '../rig/until.ts';
import {AgentRig} from './agent-rig.ts';
import {HostRig, LIMITS} from './host-rig.ts';

const isStopped = (pid: number) => processState(pid) === 'T';

test('pausing stops every process of an attempt, those outside of its group too, and resuming lets them go on', async () => {
  await using puppets = await Puppets.listen();
  await using rig = await HostRig.start();
  rig.assign(rig.order(1, puppets.command('p')));
  const puppet = await puppets.next();
  const pids = [puppet.pid, await puppet.forkChild(), await puppet.forkDaemon('inherit')];
  rig.pause(1, true);
  await until('all are stopped', () => pids.every(isStopped));
  await until('it is told', () => rig.daemon.vitals(1)?.state === 'stopped');
  rig.pause(1, false);
  await until('none is stopped', () => !pids.some(isStopped));
  await puppet.exit(0);
  expect(await rig.daemon.outcome(1)).toMatchObject({result: {ok: true}});
});

test('the clock of the timeout, and the silence, stand still meanwhile', async () => {
  await using rig = await HostRig.start();
  rig.assign(
    rig.order(1, 'echo begun; sleep 1.2; echo ended', {timeoutMs: 2500}),
    rig.order(2, 'exec sleep 300', {timeoutMs: 3000}),
  );
  await until('it has begun', () => rig.logOf(1) !== '');
  rig.pause(1, true);
  // The other one, which is not paused, says that more time has passed than the first may take.
  expect(await rig.daemon.outcome(2)).toMatchObject({result: {failure: {reason: 'timed-out'}}});
  expect(rig.daemon.finished(1)).toBeUndefined();
  const silentMs = rig.daemon.vitals(1)?.silentMs ?? 0;
  expect(silentMs).toBeLessThan(2500);
  rig.pause(1, false);
  const outcome = await rig.daemon.outcome(1);
  expect(outcome.result).toEqual({ok: true});
  expect(outcome.durationMs).toBeLessThan(2500);
});

test('a timeout goes on where it was after a pause', async () => {
  await using rig = await HostRig.start();
  rig.assign(rig.order(1, 'echo begun; exec sleep 300', {timeoutMs: 700}));
  await until('it has begun', () => rig.logOf(1) !== '');
  rig.pause(1, true);
  rig.pause(1, false);
  expect(await rig.daemon.outcome(1)).toMatchObject({result: {failure: {reason: 'timed-out', timeoutMs: 700}}});
});

test('one that is stopped while it is paused ends, also when it is deaf to SIGTERM', async () => {
  await using puppets = await Puppets.listen();
  await using rig = await HostRig.start();
  rig.assign(
    rig.order(1, puppets.command('p')),
    rig.order(2, 'trap "echo asked; exit 9" TERM; echo begun; while :; do sleep 0.1; done'),
  );
  const puppet = await puppets.next();
  await puppet.ignoreTerm();
  await until('it has begun', () => rig.logOf(2) !== '');
  for (const attempt of [1, 2]) rig.pause(attempt, true);
  await until('it is stopped', () => isStopped(puppet.pid));
  for (const attempt of [1, 2]) rig.stop(attempt);
  for (const attempt of [1, 2]) {
    expect(await rig.daemon.outcome(attempt)).toMatchObject({result: {failure: {reason: 'stopped', by: 'user'}}});
  }
  expect(identityOf(puppet.pid)).toBeNull();
  expect(rig.logOf(2)).toContain('asked');
});

test('an attempt that is paused before its process starts does not start it until it goes on', async () => {
  await using rig = await HostRig.start();
  rig.pause(1, true);
  rig.assign(rig.order(1, 'echo ran > ran.txt'), rig.order(2, 'true'));
  await rig.daemon.outcome(2);
  expect(existsSync(join(rig.work, 'ran.txt'))).toBe(false);
  rig.pause(1, false);
  expect(await rig.daemon.outcome(1)).toMatchObject({result: {ok: true}});
  expect(existsSync(join(rig.work, 'ran.txt'))).toBe(true);
});

test('one that has not started and is stopped while paused is over at once', async () => {
  await using rig = await HostRig.start();
  rig.pause(1, true);
  rig.assign(rig.order(1, 'echo ran > ran.txt'));
  rig.stop(1);
  expect(await rig.daemon.outcome(1)).toMatchObject({result: {failure: {reason: 'stopped'}}});
  expect(existsSync(join(rig.work, 'ran.txt'))).toBe(false);
});

test('a paused attempt does not go on to its verify', async () => {
  await using puppets = await Puppets.listen();
  await using rig = await HostRig.start();
  rig.assign(rig.order(1, puppets.command('p'), {verify: 'echo verified > verified.txt'}));
  const puppet = await puppets.next();
  // Whoever holds the output open is looked for first, which takes longer than to pause.
  await puppet.forkDaemon('inherit');
  await puppet.exit(0);
  rig.pause(1, true);
  await until('it is to be verified', () =>
    [...rig.daemon.reports.values()].some(({type}) => type === 'attempt-verifying'),
  );
  await rig.run(2, 'true');
  expect(existsSync(join(rig.work, 'verified.txt'))).toBe(false);
  rig.pause(1, false);
  expect(await rig.daemon.outcome(1)).toMatchObject({result: {ok: true}});
  expect(existsSync(join(rig.work, 'verified.txt'))).toBe(true);
});

test('the next daemon hears which attempts are paused', async () => {
  await using puppets = await Puppets.listen();
  await using rig = await HostRig.start();
  rig.assign(rig.order(1, puppets.command('p')), rig.order(2, puppets.command('q')), rig.order(3, 'exec sleep 300'));
  const pids = [(await puppets.next()).pid, (await puppets.next()).pid];
  expect(rig.daemon.heard('hello')[0]?.paused).toBeUndefined();
  rig.pause(2, true);
  await until('one is stopped', () => pids.some(isStopped));
  await until('everything is said', () => rig.daemon.vitals(3)?.processes === 1);
  const daemon = await rig.restartDaemon();
  const hello = await until('a hello', () => daemon.heard('hello')[0]);
  expect(hello.paused).toEqual([2]);
  // Also of one of which there was nothing new to say.
  await until('vitals of all', () => daemon.vitals(2)?.state === 'stopped' && daemon.vitals(1) && daemon.vitals(3));
});

test('a host that ends takes its paused attempts with it', async () => {
  await using puppets = await Puppets.listen();
  const rig = await HostRig.start({limits: {...LIMITS, killGraceMs: 500}});
  rig.assign(rig.order(1, puppets.command('p')));
  const puppet = await puppets.next();
  const daemon = await puppet.forkDaemon('ignore');
  rig.pause(1, true);
  await until('both are stopped', () => [puppet.pid, daemon].every(isStopped));
  await rig[Symbol.asyncDispose]();
  expect([puppet.pid, daemon].map(identityOf)).toEqual([null, null]);
});

test('a coding agent is paused and goes on, and a paused one that is stopped is not waited for', async () => {
  await using rig = await AgentRig.start();
  const [mark, other, go] = [rig.mark, rig.mark, rig.mark];
  rig.host.assign(
    rig.order(1, [{write: {'b.txt': 'b'}}, {started: mark}, {waitFor: go}, {write: {'c.txt': 'c'}}]),
    rig.order(2, [{started: other}, {hang: true}]),
  );
  await until('both work', () => existsSync(mark) && existsSync(other));
  for (const attempt of [1, 2]) rig.host.pause(attempt, true);
  await until('both are stopped', () => [1, 2].every(attempt => rig.host.daemon.vitals(attempt)?.state === 'stopped'));
  rig.host.stop(2);
  expect(await rig.host.daemon.outcome(2)).toMatchObject({result: {failure: {reason: 'stopped'}}});
  writeFileSync(go, '');
  rig.host.pause(1, false);
  expect(await rig.host.daemon.outcome(1)).toMatchObject({result: {ok: true}});
  expect(rig.kept(1)).toEqual(['b.txt', 'c.txt']);
});

test('agents that are closed are forgotten, also while their runtime is looked for; the others stay', async () => {
  await using rig = await HostRig.start();
  const [one, two, three] = ['audit-01', 'audit-02', 'audit-03'].map(agentId);
  const team = teamId(1);
  rig.daemon.send({type: 'open-agents', teamId: team, agents: [one!, two!]});
  await until('two are ready', () => rig.daemon.reports.size === 1);
  rig.daemon.send({type: 'open-agents', teamId: team, agents: [three!]});
  rig.daemon.send({type: 'close-agents', teamId: team, agents: [one!, three!]});
  rig.daemon.send({type: 'close-agents', teamId: teamId(9), agents: [two!]});
  rig.assign(rig.order(1, 'true'));
  await rig.daemon.outcome(1);
  const ready = [...rig.daemon.reports.values()].flatMap(report =>
    report.type === 'agents-ready' ? report.agents : [],
  );
  // The third may have been ready before the host heard that it is closed.
  expect(ready.filter(agent => agent !== three)).toEqual([one, two]);
  const daemon = await rig.restartDaemon();
  expect((await until('a hello', () => daemon.heard('hello')[0])).agents).toEqual([two]);
  daemon.send({type: 'open-agents', teamId: team, agents: [one!]});
  await until('it is ready again', () =>
    [...daemon.reports.values()].some(report => report.type === 'agents-ready' && report.agents[0] === one),
  );
});
