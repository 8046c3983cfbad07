import {existsSync, readFileSync, writeFileSync} from 'node:fs';
import {getPriority} from 'node:os';
import {join, resolve} from 'node:path';
import {describe, expect, test} from 'vitest';
import {identityOf} from '../../src/os/process-identity.ts';
import {Puppets} from '../rig/puppet.ts';
import {until} from '../rig/until.ts';
import {AgentRig} from './agent-rig.ts';
import {HostRig, LIMITS} from './host-rig.ts';

const MB = 1024 * 1024;
const greedy = (...args: (string | number)[]) =>
  `exec ${process.execPath} ${resolve('test/host/greedy.mjs')} ${args.join(' ')}`;

describe('memory', () => {
  test('an attempt that takes more than it may is stopped, and says what it used', async () => {
    await using rig = await HostRig.start();
    const {result} = await rig.run(1, greedy(400), {limits: {memoryBytes: 120 * MB}});
    expect(result).toMatchObject({ok: false, failure: {reason: 'memory-exceeded', limitBytes: 120 * MB}});
    const failure = result.ok ? null : result.failure;
    const used = failure?.reason === 'memory-exceeded' ? failure.usedBytes : 0;
    expect(used).toBeGreaterThanOrEqual(120 * MB);
    expect(used).toBeLessThan(400 * MB);
  });

  test('one that comes near is warned of, once, in its log and with its outcome', async () => {
    await using rig = await HostRig.start();
    // A Node process takes 40 to 60 MB before it has done anything.
    rig.assign(rig.order(1, greedy(160, 'until'), {limits: {memoryBytes: 240 * MB}}));
    await until('a warning', () => rig.logOf(1) !== '');
    writeFileSync(join(rig.work, 'enough'), '');
    const {result, warnings} = await rig.daemon.outcome(1);
    expect(result).toEqual({ok: true});
    expect(warnings).toEqual([expect.stringMatching(/^it uses .* of the 240 MiB of memory that it may$/)]);
    expect(rig.logOf(1)).toBe(`[godel: ${warnings?.[0]}]\n`);
  });

  test('a child in a session of its own counts, and is ended too', async () => {
    await using rig = await HostRig.start();
    const outcome = await rig.run(1, greedy(400, 'escape'), {limits: {memoryBytes: 160 * MB}});
    expect(outcome.result).toMatchObject({failure: {reason: 'memory-exceeded'}});
    const escaped = Number(readFileSync(join(rig.work, 'escaped'), 'utf8'));
    await until('the child has ended', () => identityOf(escaped) === null);
  });

  test('one that is deaf to SIGTERM and grows on is killed long before its grace is over', async () => {
    await using rig = await HostRig.start({limits: {...LIMITS, killGraceMs: 60_000}});
    const outcome = await rig.run(1, greedy(2000, 'deaf'), {limits: {memoryBytes: 100 * MB}});
    expect(outcome.result).toMatchObject({failure: {reason: 'memory-exceeded'}});
    expect(outcome.durationMs).toBeLessThan(50_000);
  });

  test('many processes count together', async () => {
    await using rig = await HostRig.start();
    const one = greedy(60).replace('exec ', '');
    const outcome = await rig.run(1, `${one} & ${one} & ${one} & wait`, {limits: {memoryBytes: 220 * MB}});
    expect(outcome.result).toMatchObject({failure: {reason: 'memory-exceeded'}});
  });

  test('who stays below has no warning', async () => {
    await using rig = await HostRig.start();
    expect(await rig.run(1, 'echo fine', {limits: {memoryBytes: 120 * MB}})).toMatchObject({result: {ok: true}});
    expect(rig.daemon.finished(1)?.warnings).toBeUndefined();
  });
});

test('all that is printed counts against the limit of output', async () => {
  await using rig = await HostRig.start();
  const script = 'while :; do echo "$(head -c 1000 /dev/zero | tr "\\0" x)"; echo y >&2; done';
  const outcome = await rig.run(1, script, {limits: {outputBytes: 100_000}});
  expect(outcome.result).toMatchObject({failure: {reason: 'output-too-large', limitBytes: 100_000}});
  const shy = await rig.run(2, 'echo little', {limits: {outputBytes: 100_000}});
  expect(shy.result).toEqual({ok: true});
});

test('a program and what it starts are as nice as they were told, and never less than the host', async () => {
  await using puppets = await Puppets.listen();
  await using rig = await HostRig.start();
  rig.assign(
    rig.order(1, puppets.command('p'), {limits: {nice: 7}}),
    rig.order(2, puppets.command('q'), {limits: {nice: -5}}),
  );
  const [one, two] = [await puppets.next(), await puppets.next()];
  const [nice, bold] = one.name === 'p' ? [one, two] : [two, one];
  expect([getPriority(nice.pid), getPriority(bold.pid)]).toEqual([7, getPriority(rig.pid)]);
  expect(getPriority(await nice.forkChild())).toBe(7);
});

test('a worktree that grows beyond its limit ends the attempt, whose work is kept nevertheless', async () => {
  await using rig = await AgentRig.start();
  const script = 'echo done > b.txt; dd if=/dev/zero of=big.tmp bs=1M count=30 2>/dev/null; touch made.tmp; sleep 60';
  const order = rig.inWorktree(rig.host.order(1, script, {cwd: '', limits: {diskBytes: 20 * MB}}));
  rig.host.assign(order);
  const outcome = await rig.host.daemon.outcome(1);
  expect(outcome.result).toMatchObject({failure: {reason: 'disk-exceeded', limitBytes: 20 * MB}});
  expect(rig.kept(1)).toEqual(['b.txt']);
});

test('vitals tell what an attempt uses, also of a child that has left its group, and nothing is told of what does not change', async () => {
  await using puppets = await Puppets.listen();
  await using rig = await HostRig.start();
  rig.assign(rig.order(1, puppets.command('p')));
  const puppet = await puppets.next();
  await puppet.print('hello');
  const first = await until('vitals', () => {
    const vitals = rig.daemon.vitals(1);
    if (vitals === undefined || vitals.processes === 0 || vitals.outputBytes === 0) return null;
    // It may have been looked at when it had hardly begun.
    return (vitals.rssBytes ?? 0) > 10 * MB && (vitals.cpuMs ?? 0) > 0 ? vitals : null;
  });
  expect(first).toMatchObject({outputBytes: 5, attempt: 1});
  const daemon = await puppet.forkDaemon('ignore');
  await until('the child is seen', () => (rig.daemon.vitals(1)?.processes ?? 0) > first.processes);
  process.kill(daemon, 'SIGKILL');
  await until('the child is missed', () => rig.daemon.vitals(1)?.processes === first.processes);
  await puppet.exit(0);
  await rig.daemon.outcome(1);
});

test('a child whose parent has ended is found by its cookie', async () => {
  await using rig = await HostRig.start();
  const script = '(setsid sh -c "echo \\$\\$ > pid; exec sleep 300" > /dev/null 2>&1 &); exec sleep 299';
  rig.assign(rig.order(1, script));
  await until('both are seen', () => rig.daemon.vitals(1)?.processes === 2);
  expect(existsSync(join(rig.work, 'pid'))).toBe(true);
  rig.stop(1);
  await rig.daemon.outcome(1);
});

test('silence is counted from the last that was printed, and CPU time tells of one that works without a word', async () => {
  await using rig = await HostRig.start();
  rig.assign(rig.order(1, 'echo begun; i=0; while :; do i=$((i+1)); done'), rig.order(2, 'echo begun; exec sleep 60'));
  const busy = () => rig.daemon.heard('vitals').flatMap(({vitals}) => vitals.filter(({attempt}) => attempt === 1));
  await until('CPU time advances', () => (busy().at(-1)?.cpuMs ?? 0) > 500 + (busy()[0]?.cpuMs ?? 0));
  const last = busy().at(-1)!;
  expect(last.state).toBe('running');
  expect(last.silentMs).toBeGreaterThan(500);
  await until('the other one sleeps', () => rig.daemon.vitals(2)?.state === 'sleeping');
  expect(rig.daemon.vitals(2)).toMatchObject({processes: 1, outputBytes: 6});
  const told = rig.daemon.heard('vitals').flatMap(({vitals}) => vitals.filter(({attempt}) => attempt === 2));
  expect(told.length).toBeLessThan(busy().length + 1);
  for (const attempt of [1, 2]) rig.stop(attempt);
  await Promise.all([1, 2].map(attempt => rig.daemon.outcome(attempt)));
});

test('a host with a team beats, and one without does not', async () => {
  await using rig = await HostRig.start();
  const signs = () => rig.daemon.heard('beat').length + rig.daemon.heard('vitals').length;
  await until('beats', () => signs() > 2);
  rig.daemon.send({type: 'close-team', teamId: rig.order(0, '').teamId});
  rig.daemon.send({type: 'read', request: 1, folder: rig.work, file: 'x', offset: 0, length: 1});
  await until('it has answered', () => rig.daemon.heard('data').length === 1);
  const before = signs();
  // Longer than two beats are apart, by the answers of the host itself.
  const begun = Date.now();
  let request = 1;
  while (Date.now() - begun < 1300) {
    request += 1;
    const asked = request;
    rig.daemon.send({type: 'read', request, folder: rig.work, file: 'x', offset: 0, length: 1});
    await until('it has answered', () => rig.daemon.heard('data').length === asked);
  }
  expect(signs()).toBe(before);
});
