import {execFileSync} from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {describe, expect, test} from 'vitest';
import {agentId, teamId} from '../../src/model/ids.ts';
import {identityOf, processState} from '../../src/os/process-identity.ts';
import {Puppets} from '../rig/puppet.ts';
import {until} from '../rig/until.ts';
import {HostRig, LIMITS} from './host-rig.ts';

const SUCCESS = {result: {ok: true}};

describe('running', () => {
  test('introduces itself, makes agents ready and runs a command without a shell', async () => {
    await using rig = await HostRig.start();
    const [hello] = rig.daemon.heard('hello');
    expect(hello).toMatchObject({projectId: 'p1', storeId: rig.storeId, hostId: 'h-1', holds: [], agents: []});
    expect(hello?.process).toEqual(identityOf(rig.pid));
    rig.daemon.send({type: 'open-agents', teamId: teamId(1), agents: [agentId('a-1'), agentId('a-2')]});
    await until('agents ready', () => [...rig.daemon.reports.values()].some(report => report.type === 'agents-ready'));
    expect(await rig.run(1, 'true')).toMatchObject({...SUCCESS, outputBytes: null});
    expect(existsSync(join(rig.teamFolder, 'logs', '1.log'))).toBe(false);
  });

  test.each([
    ['no program can be started with', {BIG: 'x'.repeat(200_000)}],
    ['is too long to be reported', {PATH: '/nowhere/at/all:'.repeat(400)}],
  ])('agents of a team whose environment %s are not ready, and the host lives', async (_, env) => {
    await using rig = await HostRig.start();
    const team = {teamId: teamId(2), name: 'b', env: {PATH: process.env['PATH'] ?? '', ...env}};
    rig.daemon.send({type: 'open-team', team: {...team, umask: 0o22, folder: rig.teamFolder}});
    rig.daemon.send({type: 'open-agents', teamId: teamId(2), agents: [agentId('b-1')]});
    await until('agents failed', () => [...rig.daemon.reports.values()].some(({type}) => type === 'agents-failed'));
    expect(await rig.run(1, 'true')).toMatchObject({result: {ok: true}});
  });

  test('agents of a team without a shell are not ready', async () => {
    await using rig = await HostRig.start();
    rig.openTeam({PATH: '/nowhere'});
    rig.daemon.send({
      type: 'open-team',
      team: {teamId: teamId(2), name: 'b', env: {PATH: '/no'}, umask: 0o22, folder: rig.teamFolder},
    });
    rig.daemon.send({type: 'open-agents', teamId: teamId(2), agents: [agentId('b-1')]});
    const report = await until('agents failed', () =>
      [...rig.daemon.reports.values()].find(candidate => candidate.type === 'agents-failed'),
    );
    expect(report).toMatchObject({agents: ['b-1'], detail: expect.stringContaining('No shell') as string});
  });

  test('tells the task who it is, in the environment, folder and umask of its team', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.openTeam({TEAM_VALUE: 'team', BOTH: 'team', PWD: '/elsewhere'}, 0o077);
    rig.assign(rig.order(7, puppets.command('p'), {env: {BOTH: 'task', GODEL_ITEM: '$(touch pwned)'}, number: 3}));
    const puppet = await puppets.next();
    expect(puppet.env).toMatchObject({
      TEAM_VALUE: 'team',
      BOTH: 'task',
      PWD: rig.work,
      GODEL_ITEM: '$(touch pwned)',
      GODEL_TEAM: 'audit',
      GODEL_TASK_ID: 'task-7',
      GODEL_AGENT_ID: 'audit-01',
      GODEL_ATTEMPT: '3',
      GODEL_HOST: 'h-1',
      GODEL_INPUTS: join(rig.teamFolder, 'inputs', 'none'),
      GODEL_COOKIE: `${rig.storeId}.7`,
      TRACEPARENT: '00-11111111111111111111111111111111-2222222222222222-01',
    });
    expect(puppet.env['HOME']).toBeUndefined();
    expect(puppet).toMatchObject({cwd: rig.work, umask: 0o077});
    await puppet.exit(0);
    expect(await rig.daemon.outcome(7)).toMatchObject(SUCCESS);
  });

  test('reports exit code, signal and the end of the output', async () => {
    await using rig = await HostRig.start();
    const [failed, killed] = await Promise.all([
      rig.run(1, 'echo out; printf "\\033[31merr\\033[0m\\n" >&2; exit 3'),
      rig.run(2, 'kill -KILL $$'),
    ]);
    expect(failed.result).toMatchObject({failure: {reason: 'command-failed', exitCode: 3, signal: null}});
    expect(failed.result).toMatchObject({failure: {tail: expect.stringMatching(/^(out\nerr|err\nout)$/) as string}});
    expect(killed.result).toMatchObject({failure: {reason: 'command-failed', exitCode: null, signal: 'SIGKILL'}});
  });

  test('a script stops at its first failing command', async () => {
    await using rig = await HostRig.start();
    expect(await rig.run(1, 'false\ntouch reached')).toMatchObject({result: {failure: {exitCode: 1}}});
    expect(existsSync(join(rig.work, 'reached'))).toBe(false);
  });

  test('what cannot be started says why', async () => {
    await using rig = await HostRig.start();
    writeFileSync(join(rig.work, 'plain.txt'), 'no program', {mode: 0o644});
    const outcomes = await Promise.all([
      rig.run(1, 'no-such-program --x'),
      rig.run(2, './plain.txt'),
      rig.run(3, 'true', {cwd: join(rig.work, 'gone')}),
      rig.run(4, 'true', {env: {BIG: 'x'.repeat(3_000_000)}}),
    ]);
    expect(outcomes.map(outcome => outcome.result)).toMatchObject([
      {failure: {reason: 'command-failed', exitCode: 127, tail: '[godel: no-such-program: command not found]'}},
      {failure: {reason: 'command-failed', exitCode: 126}},
      {failure: {reason: 'spawn-failed', code: 'ENOENT', detail: expect.stringContaining('gone') as string}},
      {failure: {reason: 'spawn-failed', code: 'E2BIG'}},
    ]);
    expect(rig.logOf(1)).toContain('command not found');
  });

  test('verify decides, and its output is in the log', async () => {
    await using rig = await HostRig.start();
    const [bad, good] = await Promise.all([
      rig.run(1, 'echo made', {verify: 'echo checked; exit 2'}),
      rig.run(2, 'echo made > made.txt', {verify: 'test -s made.txt'}),
    ]);
    expect(bad.result).toMatchObject({failure: {reason: 'verify-failed', exitCode: 2, tail: 'checked'}});
    expect(good).toMatchObject(SUCCESS);
    const kinds = [...rig.daemon.reports.values()].map(report => report.type);
    expect(kinds.filter(kind => kind === 'attempt-verifying')).toHaveLength(2);
  });

  test('an attempt that is ordered twice runs once', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.daemon.acknowledges = false;
    const order = rig.order(1, puppets.command('p'));
    rig.assign(order, order);
    const puppet = await puppets.next();
    rig.assign(order);
    await puppet.exit(0);
    await rig.daemon.outcome(1);
    // Finished and not acknowledged: still held.
    rig.assign(order);
    rig.daemon.acknowledges = true;
    rig.daemon.send({type: 'shutdown'});
    // Before its end the host reports on all that it runs.
    await rig.exited;
    expect([...rig.daemon.reports.values()]).toMatchObject([{type: 'attempt-finished', attempt: 1, outcome: SUCCESS}]);
  });

  test('the links of an input folder are there while the attempt runs', async () => {
    await using rig = await HostRig.start();
    mkdirSync(join(rig.teamFolder, 'outputs'), {recursive: true});
    writeFileSync(join(rig.teamFolder, 'outputs', 'list'), 'a b');
    const inputs = [
      {name: 'list', target: 'outputs/list'},
      {name: 'sub/list', target: 'outputs/list'},
      {name: 'missing', target: 'outputs/missing'},
      {name: '../outside', target: 'outputs/list'},
    ];
    const script = 'cat "$GODEL_INPUTS/list" "$GODEL_INPUTS/sub/list"; ls "$GODEL_INPUTS"';
    expect(await rig.run(1, script, {inputs})).toMatchObject(SUCCESS);
    expect(rig.logOf(1)).toBe('a ba blist\nsub\n');
    expect(existsSync(join(rig.teamFolder, 'inputs', '1'))).toBe(false);
    expect(existsSync(join(rig.teamFolder, 'inputs', 'outside'))).toBe(false);
  });

  test('CPU time and peak memory are told when the OS knows them', async () => {
    await using rig = await HostRig.start();
    const script = 'node -e "while (process.cpuUsage().user < 500000);"';
    const [busy, quick] = [await rig.run(1, script), await rig.run(2, 'true')];
    expect(busy.usage.cpuSeconds).toBeGreaterThan(0.45);
    expect(busy.usage.maxRssBytes).toBeGreaterThan(20_000_000);
    expect(quick.usage.cpuSeconds).toBeLessThan(0.2);
    expect(quick.usage.maxRssBytes).toBeNull();
  });
});

describe('output', () => {
  test('a gigabyte neither blocks the task nor fills the disk', async () => {
    await using rig = await HostRig.start();
    const outcome = await rig.run(1, 'head -c 1000000000 /dev/zero; echo; echo the end');
    expect(outcome).toMatchObject(SUCCESS);
    const file = join(rig.teamFolder, 'logs', '1.log');
    expect(statSync(file).size).toBeLessThan(LIMITS.logCapBytes + 200);
    expect(readFileSync(file).subarray(-200).toString()).toContain('log cut here');
  });

  test('bytes are kept as they are, and shown as text', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.assign(rig.order(1, puppets.command('p')));
    const puppet = await puppets.next();
    const bytes = Buffer.from([...Array(256).keys()]);
    await puppet.print(bytes);
    await puppet.exit(1);
    const outcome = await rig.daemon.outcome(1);
    expect(readFileSync(join(rig.teamFolder, 'logs', '1.log'))).toEqual(bytes);
    expect(outcome.result).toMatchObject({failure: {tail: expect.stringContaining('ABC') as string}});
  });

  test('nothing of what short tasks print is lost', async () => {
    await using rig = await HostRig.start();
    const attempts = Array.from({length: 60}, (_, index) => index + 1);
    rig.assign(...attempts.map(attempt => rig.order(attempt, `echo out-${attempt}`)));
    await Promise.all(attempts.map(attempt => rig.daemon.outcome(attempt)));
    expect(attempts.map(attempt => rig.logOf(attempt))).toEqual(attempts.map(attempt => `out-${attempt}\n`));
  });

  test('the last line goes out now and then', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.assign(rig.order(1, puppets.command('p')));
    const puppet = await puppets.next();
    const begunMs = performance.now();
    for (let index = 0; index < 200; index += 1) await puppet.print(`line ${index}\n`);
    await puppet.print(`done\u2028 ${'x'.repeat(300)}`);
    const lastLine = () => rig.daemon.heard('progress').at(-1)?.lines[0]?.line;
    const line = await until('the last line', () => (lastLine()?.startsWith('done') ? lastLine() : null));
    expect(line).toHaveLength(200);
    // At most two a second, however long that has taken.
    expect(rig.daemon.heard('progress').length).toBeLessThan(3 + (performance.now() - begunMs) / 400);
    await puppet.exit(0);
  });

  test('a declared output is there when the attempt has succeeded', async () => {
    await using rig = await HostRig.start();
    const json = {outputs: 'json', outputFile: 'outputs/1'} as const;
    expect(await rig.run(1, 'echo noise >&2; echo "[1, 2]"', json)).toMatchObject({...SUCCESS, outputBytes: 7});
    expect(readFileSync(join(rig.teamFolder, 'outputs', '1'), 'utf8')).toBe('[1, 2]\n');
    expect(rig.logOf(1)).toContain('noise');
    expect(await rig.run(2, 'true', {outputs: 'lines', outputFile: 'outputs/2'})).toMatchObject({outputBytes: 0});
    expect(readFileSync(join(rig.teamFolder, 'outputs', '2'), 'utf8')).toBe('');
  });

  test('what was promised as JSON and is none fails, and leaves no file', async () => {
    await using rig = await HostRig.start();
    const json = (name: string) => ({outputs: 'json', outputFile: `outputs/${name}`}) as const;
    const outcomes = await Promise.all([
      rig.run(1, 'echo "{\\"a\\": nope}"', json('1')),
      rig.run(2, 'true', json('2')),
      rig.run(3, 'printf "\\"\\377\\""', json('3')),
      rig.run(4, 'head -c 70000 /dev/zero; sleep 1000', json('4')),
    ]);
    expect(outcomes.map(outcome => outcome.result)).toMatchObject([
      {
        failure: {
          reason: 'output-invalid',
          detail: expect.stringContaining('it begins with "{\\"a\\": nope}') as string,
        },
      },
      {failure: {reason: 'output-invalid', detail: 'nothing was printed'}},
      {failure: {reason: 'output-invalid', detail: expect.stringContaining('not UTF-8') as string}},
      {failure: {reason: 'output-too-large', limitBytes: LIMITS.outputCapBytes}},
    ]);
    for (const name of ['1', '2', '3', '4', '1.part', '4.part']) {
      expect(existsSync(join(rig.teamFolder, 'outputs', name))).toBe(false);
    }
  });

  test('output that cannot be written fails the attempt and not the host', async () => {
    await using rig = await HostRig.start();
    // A file in the place of the folder: also root cannot write into that.
    mkdirSync(rig.teamFolder, {recursive: true});
    writeFileSync(join(rig.teamFolder, 'logs'), '');
    expect((await rig.run(1, 'echo x; sleep 1000')).result).toMatchObject({
      failure: {reason: 'output-unwritable', code: expect.stringMatching(/^(ENOTDIR|EEXIST)$/) as string},
    });
    expect(await rig.run(2, 'true')).toMatchObject(SUCCESS);
  });

  test.runIf(existsSync('/dev/full'))('a full disk fails the attempt', async () => {
    await using rig = await HostRig.start();
    for (const folder of ['logs', 'outputs']) {
      mkdirSync(join(rig.teamFolder, folder), {recursive: true});
      for (const name of ['full.log', 'full.part']) symlinkSync('/dev/full', join(rig.teamFolder, folder, name));
    }
    const full = {reason: 'output-unwritable', code: 'ENOSPC'};
    const output = {outputs: 'text', outputFile: 'outputs/full'} as const;
    const outcomes = await Promise.all([
      rig.run(1, 'echo x; sleep 1000', {logFile: 'logs/full.log'}),
      rig.run(2, 'echo x; sleep 1000', output),
    ]);
    expect(outcomes.map(outcome => outcome.result)).toMatchObject([{failure: full}, {failure: full}]);
  });

  test.runIf(process.getuid?.() !== 0)('a read-only folder is such a case', async () => {
    await using rig = await HostRig.start();
    mkdirSync(rig.teamFolder, {recursive: true, mode: 0o700});
    chmodSync(rig.teamFolder, 0o500);
    expect((await rig.run(1, 'echo x; sleep 1000')).result).toMatchObject({
      failure: {reason: 'output-unwritable', code: 'EACCES'},
    });
    chmodSync(rig.teamFolder, 0o700);
  });

  test('files are read in pieces, and only inside their folder', async () => {
    await using rig = await HostRig.start();
    await rig.run(1, 'echo hello; ln -s /etc/passwd link');
    const read = async (request: number, folder: string, file: string, offset = 0, length = 100) => {
      rig.daemon.send({type: 'read', request, folder, file, offset, length});
      const {data, size} = await until('data', () => rig.daemon.heard('data').find(found => found.request === request));
      return {text: Buffer.from(data, 'base64').toString(), size};
    };
    expect(await read(1, rig.teamFolder, 'logs/1.log', 1, 3)).toEqual({text: 'ell', size: 6});
    expect(await read(2, rig.teamFolder, 'logs/1.log', 6)).toEqual({text: '', size: 6});
    expect(await read(3, rig.teamFolder, 'logs/none.log')).toEqual({text: '', size: null});
    expect(await read(4, rig.teamFolder, '../../d.sock')).toEqual({text: '', size: null});
    expect(await read(5, rig.work, 'link')).toEqual({text: '', size: null});
    expect(await read(6, rig.folder, '../../etc/passwd')).toEqual({text: '', size: null});
  });
});

describe('ending', () => {
  test('a task that ends when asked', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.assign(rig.order(1, puppets.command('p')));
    const puppet = await puppets.next();
    process.kill(puppet.pid, 'SIGSTOP');
    await until('stopped', () => processState(puppet.pid) === 'T');
    rig.stop(1);
    expect((await rig.daemon.outcome(1)).result).toEqual({ok: false, failure: {reason: 'stopped', by: 'user'}});
    expect(identityOf(puppet.pid)).toBeNull();
  });

  test('a task that ignores SIGTERM is killed, with all it has started', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.assign(rig.order(1, puppets.command('p')));
    const puppet = await puppets.next();
    await puppet.ignoreTerm();
    const [daemon, child] = [await puppet.forkDaemon('ignore'), await puppet.forkChild()];
    rig.stop(1);
    expect((await rig.daemon.outcome(1)).result).toMatchObject({failure: {reason: 'stopped'}});
    expect([puppet.pid, daemon, child].map(identityOf)).toEqual([null, null, null]);
  });

  test('an attempt that still waits for its start is stopped without one', async () => {
    await using rig = await HostRig.start({limits: {...LIMITS, spawnConcurrency: 1}});
    rig.assign(
      ...Array.from({length: 50}, (_, index) => rig.order(index + 1, 'sleep 1000')),
      rig.order(99, 'touch ran'),
    );
    rig.stop(99);
    expect(await rig.daemon.outcome(99)).toMatchObject({
      result: {failure: {reason: 'stopped', by: 'user'}},
      durationMs: 0,
      usage: {cpuSeconds: null},
    });
    expect(existsSync(join(rig.work, 'ran'))).toBe(false);
  });

  test('the timeout covers command and verification together', async () => {
    await using rig = await HostRig.start();
    const [run, verify] = await Promise.all([
      rig.run(1, "trap '' TERM; while :; do sleep 1; done", {timeoutMs: 200}),
      rig.run(2, 'true', {verify: 'sleep 1000', timeoutMs: 300}),
    ]);
    expect(run.result).toEqual({ok: false, failure: {reason: 'timed-out', timeoutMs: 200}});
    expect(run.durationMs).toBeGreaterThanOrEqual(200 + LIMITS.killGraceMs - 1);
    expect(verify.result).toEqual({ok: false, failure: {reason: 'timed-out', timeoutMs: 300}});
  });

  test('a task is over when its process is, whoever holds its output', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.assign(rig.order(1, puppets.command('p')));
    const puppet = await puppets.next();
    await puppet.print('before\n');
    const daemon = await puppet.forkDaemon('inherit');
    await puppet.exit(0);
    expect(await rig.daemon.outcome(1)).toMatchObject(SUCCESS);
    expect(identityOf(daemon)).toBeNull();
    expect(rig.logOf(1)).toBe('before\n');
  });

  test('a child in the group and a silent daemon do not outlive a task that succeeded', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.assign(rig.order(1, puppets.command('p')), rig.order(2, puppets.command('q')));
    const [one, two] = [await puppets.next(), await puppets.next()];
    const [child, daemon] = [await one.forkChild(), await two.forkDaemon('ignore')];
    await Promise.all([one.exit(0), two.exit(0)]);
    expect(await Promise.all([rig.daemon.outcome(1), rig.daemon.outcome(2)])).toMatchObject([SUCCESS, SUCCESS]);
    await until('both gone', () => identityOf(child) === null && identityOf(daemon) === null);
  });

  test('a task that closes its output goes on', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.assign(rig.order(1, puppets.command('p')));
    const puppet = await puppets.next();
    await puppet.closeOutput();
    expect(await rig.run(2, 'true')).toMatchObject(SUCCESS);
    expect(rig.daemon.finished(1)).toBeUndefined();
    await puppet.exit(4);
    expect((await rig.daemon.outcome(1)).result).toMatchObject({failure: {exitCode: 4}});
  });

  test('closing a team ends what still runs of it', async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.assign(rig.order(1, puppets.command('p')));
    const puppet = await puppets.next();
    rig.daemon.send({type: 'close-team', teamId: teamId(1)});
    await rig.daemon.outcome(1);
    expect(identityOf(puppet.pid)).toBeNull();
  });
});

test('a working directory with a name longer than a report may carry is a failure like any other', async () => {
  await using rig = await HostRig.start();
  const cwd = join(rig.work, ...Array.from({length: 20}, () => 'd'.repeat(180)));
  rig.assign({...rig.order(1, 'true'), cwd});
  const {result} = await rig.daemon.outcome(1);
  expect(result).toMatchObject({ok: false, failure: {reason: 'spawn-failed', detail: expect.stringContaining('ddd')}});
});

test.runIf(process.platform === 'linux')(
  'without a free file descriptor an attempt fails and says so; the host and its other attempts live',
  async () => {
    await using puppets = await Puppets.listen();
    await using rig = await HostRig.start();
    rig.assign(rig.order(1, puppets.command('p')));
    const running = await puppets.next();
    const pid = rig.daemon.heard('hello')[0]!.process.pid;
    const allow = (files: number) => execFileSync('prlimit', ['--pid', String(pid), `--nofile=${files}:`]);
    allow(readdirSync(`/proc/${pid}/fd`).length + 1);
    expect((await rig.run(2, 'echo hi')).result).toMatchObject({failure: {reason: 'spawn-failed', code: 'EMFILE'}});
    allow(1000);
    await running.exit(0);
    expect((await rig.daemon.outcome(1)).result).toEqual({ok: true});
    expect((await rig.run(3, 'echo hi')).result).toEqual({ok: true});
  },
);
