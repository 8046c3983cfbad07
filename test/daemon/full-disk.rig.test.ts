import {execFileSync} from 'node:child_process';
import {expect, test} from 'vitest';
import {startCli} from '../edges/cli-process.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';

/** No file of the process may grow beyond this any more (a full disk for this process alone); undefined lifts it. */
function limitFiles(pid: number, bytes: number | undefined): void {
  execFileSync('prlimit', [`--pid=${pid}`, `--fsize=${bytes ?? 'unlimited'}:unlimited`]);
}

test.runIf(process.platform === 'linux')(
  'while nothing can be recorded nothing starts, reading goes on, and all goes on when there is room again',
  async () => {
    await using rig = await Rig.create();
    const client = rig.client();
    expect((await client.daemon()).ok).toBe(true);
    const pid = rig.daemonPid()!;
    limitFiles(pid, 4096);
    let isSpawned = false;
    const spawning = rig.spawn({plan: {version: 1, tasks: {a: {run: 'echo ran > ran'}}}}).then(view => {
      isSpawned = true;
      return view;
    });
    const trouble = await until('the daemon says why', async () => {
      const view = await client.daemon();
      return view.ok && view.value.storeTrouble;
    });
    expect(trouble).toContain('store.db');
    expect(await client.events('nobody')).toMatchObject({ok: false, failure: {reason: 'team-not-found'}});
    const refused = await client.spawn({count: 1, cwd: rig.folder, umask: 0o022, env: {}});
    expect(refused).toMatchObject({ok: false, failure: {reason: 'store-unusable'}});
    expect(isSpawned).toBe(false);
    expect(rig.log()).not.toContain('starting a host');

    limitFiles(pid, undefined);
    const {team} = await spawning;
    expect(await rig.waitFor(team)).toMatchObject({state: 'succeeded'});
    expect(rig.daemonPid()).toBe(pid);
    expect(await client.daemon()).toMatchObject({value: {storeTrouble: null}});
  },
);

test.runIf(process.platform === 'linux')(
  'while nothing can be recorded, changes of a team are refused with the reason, and an end that waits says for what',
  async () => {
    await using rig = await Rig.create();
    await rig.godel(['team', 'spawn', '--count', '2', '--name', 'workers']);
    const pid = rig.daemonPid()!;
    limitFiles(pid, 4096);
    const ending = startCli(rig, ['team', 'kill', 'workers', '--yes']);
    await until('the daemon cannot write', async () => {
      const view = await rig.client().daemon();
      return view.ok && view.value.storeTrouble !== null;
    });
    const orders = [['scale', '--count', '3'], ['pause'], ['resume'], ['retry', '--all']];
    for (const [order = '', ...rest] of orders) {
      const refused = await rig.godel(['team', order, 'workers', ...rest]);
      expect(refused, order).toMatchObject({code: 5, stderr: expect.stringContaining('store.db')});
    }
    await until('the end says what it waits for', () =>
      ending.said().includes('This waits until the daemon can write'),
    );
    limitFiles(pid, undefined);
    expect((await ending.result).code).toBe(0);
  },
);
