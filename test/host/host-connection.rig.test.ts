import {cpSync, existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join, resolve} from 'node:path';
import {expect, test} from 'vitest';
import {agentId, attemptId, teamId} from '../../src/model/ids.ts';
import {identityOf} from '../../src/os/process-identity.ts';
import {Puppets} from '../rig/puppet.ts';
import {until} from '../rig/until.ts';
import {HostRig, LIMITS, TestDaemon} from './host-rig.ts';

test('keeps working while the daemon is dead, and tells the next one everything', async () => {
  await using puppets = await Puppets.listen();
  await using rig = await HostRig.start();
  rig.daemon.send({type: 'open-agents', teamId: teamId(1), agents: [agentId('a-1')]});
  await until('agents ready', () => rig.daemon.reports.size === 1);
  rig.assign(rig.order(1, puppets.command('p')), rig.order(2, puppets.command('q')));
  const [first, second] = [await puppets.next(), await puppets.next()];
  await rig.daemon.kill();
  await first.exit(0);
  await until('the first is gone', () => identityOf(first.pid) === null);
  const daemon = await rig.restartDaemon();
  const hello = await until('a hello', () => daemon.heard('hello')[0]);
  const [firstAttempt, secondAttempt] = [first, second].map(puppet => Number(puppet.env['GODEL_TASK_ID']!.slice(5)));
  expect([...hello.holds].sort()).toEqual([1, 2]);
  expect(hello.agents).toEqual(['a-1']);
  expect(await daemon.outcome(firstAttempt!)).toMatchObject({result: {ok: true}});
  expect(daemon.reports.has(1)).toBe(false);
  await second.exit(3);
  expect((await daemon.outcome(secondAttempt!)).result).toMatchObject({failure: {exitCode: 3}});
});

test('reports that were not acknowledged come again, under their numbers', async () => {
  await using rig = await HostRig.start();
  rig.daemon.acknowledges = false;
  await rig.run(1, 'true');
  await rig.run(2, 'exit 1');
  const before = new Map(rig.daemon.reports);
  const daemon = await rig.restartDaemon();
  await daemon.outcome(2);
  expect(daemon.reports).toEqual(before);
  expect(daemon.heard('hello')[0]?.holds).toEqual([1, 2]);
  await rig.run(3, 'true');
  const next = await rig.restartDaemon();
  await until('a hello', () => next.heard('hello')[0]);
  expect(next.heard('hello')[0]?.holds).toEqual([]);
});

test('how agents were found to be is not told any more once they are closed', async () => {
  await using rig = await HostRig.start();
  rig.daemon.acknowledges = false;
  const [left, stays] = [agentId('a-1'), agentId('a-2')];
  rig.daemon.send({type: 'open-agents', teamId: teamId(1), agents: [left, stays]});
  rig.daemon.send({type: 'open-agents', teamId: teamId(2), agents: [agentId('b-1')]});
  await until('agents ready', () => rig.daemon.reports.size === 2);
  rig.daemon.send({type: 'close-agents', teamId: teamId(1), agents: [left]});
  rig.daemon.send({type: 'close-team', teamId: teamId(2)});
  await rig.run(1, 'true');
  const daemon = await rig.restartDaemon();
  await daemon.outcome(1);
  const told = [...daemon.reports.values()].flatMap(report =>
    report.type === 'agents-ready' || report.type === 'agents-failed' ? report.agents : [],
  );
  expect(told).toEqual([stays]);
});

test('without a daemon for longer than the grace it stops everything and ends', async () => {
  await using puppets = await Puppets.listen();
  const rig = await HostRig.start({limits: {...LIMITS, graceMs: 400}});
  rig.assign(rig.order(1, puppets.command('p')));
  const puppet = await puppets.next();
  await puppet.ignoreTerm();
  const daemon = await puppet.forkDaemon('ignore');
  await rig.daemon.kill();
  expect(await rig.exited).toBe(0);
  expect([puppet.pid, daemon].map(identityOf)).toEqual([null, null]);
  await rig[Symbol.asyncDispose]();
});

test('SIGTERM stops everything, and the daemon hears of it', async () => {
  await using puppets = await Puppets.listen();
  const rig = await HostRig.start();
  rig.assign(rig.order(1, puppets.command('p')));
  const puppet = await puppets.next();
  rig.signal('SIGTERM');
  expect(await rig.exited).toBe(0);
  expect(identityOf(puppet.pid)).toBeNull();
  expect(rig.daemon.finished(1)?.result).toEqual({ok: false, failure: {reason: 'stopped', by: 'daemon-lost'}});
  await rig[Symbol.asyncDispose]();
});

test('a daemon that refuses it ends it', async () => {
  await using puppets = await Puppets.listen();
  const rig = await HostRig.start();
  rig.assign(rig.order(1, puppets.command('p')));
  const puppet = await puppets.next();
  await rig.daemon.kill();
  const next = await TestDaemon.listen(rig.socketPath);
  next.refuses = true;
  expect(await rig.exited).toBe(0);
  expect(identityOf(puppet.pid)).toBeNull();
  await next.kill();
  await rig[Symbol.asyncDispose]();
});

test('ends rather than telling for ever what its daemon does not take', async () => {
  await using puppets = await Puppets.listen();
  const rig = await HostRig.start();
  rig.assign(rig.order(1, puppets.command('p')), rig.order(2, puppets.command('q')));
  const [first, second] = [await puppets.next(), await puppets.next()];
  rig.daemon.rejects = true;
  await first.exit(0);
  expect(await rig.exited).toBe(0);
  expect(identityOf(second.pid)).toBeNull();
  expect(rig.daemon.connections).toBeLessThan(20);
  await rig[Symbol.asyncDispose]();
});

test('reaps what another host of this store has left', async () => {
  await using puppets = await Puppets.listen();
  await using rig = await HostRig.start();
  rig.assign(rig.order(1, puppets.command('p')), rig.order(2, puppets.command('q')));
  const both = [await puppets.next(), await puppets.next()];
  const one = both.find(puppet => puppet.env['GODEL_TASK_ID'] === 'task-1')!;
  const daemon = await one.forkDaemon('ignore');
  rig.daemon.send({type: 'reap', request: 5, attempts: [attemptId(1), attemptId(77)]});
  const [reaped] = await until('reaped', () =>
    rig.daemon.heard('reaped').length > 0 ? rig.daemon.heard('reaped') : null,
  );
  expect(reaped).toMatchObject({request: 5, attempts: [1, 77]});
  expect(reaped!.ended).toBeGreaterThanOrEqual(2);
  expect([one.pid, daemon].map(identityOf)).toEqual([null, null]);
  expect(identityOf(both.find(puppet => puppet !== one)!.pid)).not.toBeNull();
});

test('a message it cannot read costs the connection and nothing else', async () => {
  await using puppets = await Puppets.listen();
  await using rig = await HostRig.start();
  rig.assign(rig.order(1, puppets.command('p')));
  const puppet = await puppets.next();
  rig.daemon.send('nonsense' as never);
  await until('a second hello', () => rig.daemon.heard('hello').length === 2);
  expect(rig.daemon.heard('hello')[1]?.holds).toEqual([1]);
  await puppet.exit(0);
  expect(await rig.daemon.outcome(1)).toMatchObject({result: {ok: true}});
});

test('does not bring back a daemon that has ended in order', async () => {
  await using puppets = await Puppets.listen();
  const rig = await HostRig.start({limits: {...LIMITS, graceMs: 60_000}});
  rig.assign(rig.order(1, puppets.command('p')));
  const puppet = await puppets.next();
  rmSync(join(rig.work, '.godel', 'daemon.json'));
  await rig.daemon.kill();
  expect(await rig.exited).toBe(0);
  expect(identityOf(puppet.pid)).toBeNull();
  // A daemon that had been started would have made its store here.
  expect(existsSync(join(rig.work, '.godel', 'store.db'))).toBe(false);
  await rig[Symbol.asyncDispose]();
});

test.each([
  // What a daemon that was killed leaves behind, and what says nothing of its process.
  ['known to be', {process: {pid: 2 ** 30, startTime: '1', bootId: 'b'}}],
  ['seemingly', {}],
])('brings a daemon that is %s dead back while it has a team, and does not start it in a loop', async (_, file) => {
  // The built host beside a daemon that only notes that it was started.
  const program = mkdtempSync(join(tmpdir(), 'godel-program-'));
  cpSync('dist', join(program, 'dist'), {recursive: true});
  symlinkSync(resolve('node_modules'), join(program, 'node_modules'));
  writeFileSync(join(program, 'package.json'), '{"type": "module"}');
  const started = join(program, 'started');
  writeFileSync(
    join(program, 'dist', 'daemon.js'),
    `import {appendFileSync} from 'node:fs';
    appendFileSync(${JSON.stringify(started)}, process.argv[2] + '\\n');
    process.exit(1);`,
  );
  await using puppets = await Puppets.listen();
  const rig = await HostRig.start({program: join(program, 'dist', 'host.js'), limits: {...LIMITS, graceMs: 3000}});
  writeFileSync(join(rig.work, '.godel', 'daemon.json'), JSON.stringify(file));
  rig.assign(rig.order(1, puppets.command('p')));
  const puppet = await puppets.next();
  await rig.daemon.kill();
  const starts = () => (existsSync(started) ? readFileSync(started, 'utf8').split('\n').slice(0, -1) : []);
  await until('a start', () => starts().length > 0);
  expect(starts()[0]).toBe(rig.work);
  expect(identityOf(puppet.pid)).not.toBeNull();
  expect(await rig.exited).toBe(0);
  expect(starts().length).toBeLessThanOrEqual(4);
  await rig[Symbol.asyncDispose]();
  rmSync(program, {recursive: true, force: true});
});
