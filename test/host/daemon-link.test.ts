import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, expect, test} from 'vitest';
import {ok} from '../../src/base/result.ts';
import {DaemonLink} from '../../src/host/daemon-link.ts';
import {until} from '../rig/until.ts';
import {TestDaemon} from './host-rig.ts';

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).reverse()) await step();
});

function linkOf({daemonIsGone}: {daemonIsGone: () => boolean}) {
  const folder = mkdtempSync(join(tmpdir(), 'godel-link-'));
  undo.push(() => rmSync(folder, {recursive: true, force: true}));
  const socketPath = join(folder, 'd.sock');
  const launched: TestDaemon[] = [];
  const link = new DaemonLink({
    socketPath,
    headers: {},
    hello: () => ({type: 'beat'}),
    onMessage: () => undefined,
    onLost: () => undefined,
    onRejected: () => undefined,
    daemonIsGone,
    launch: async () => {
      const daemon = await TestDaemon.listen(socketPath);
      undo.push(() => daemon.kill());
      launched.push(daemon);
      return ok(undefined);
    },
    needsDaemon: () => true,
    log: () => undefined,
  });
  undo.push(() => link.close());
  link.start();
  return {launched};
}

test('starts a daemon that is known to be dead at the first look', async () => {
  let looks = 0;
  const {launched} = linkOf({
    daemonIsGone: () => {
      looks += 1;
      return true;
    },
  });
  await until('connected', () => launched[0]?.connections === 1);
  expect(launched).toHaveLength(1);
  expect(looks).toBe(1);
});

test('looks again for one that may only be restarting, and starts it when it does not come', async () => {
  let looks = 0;
  const {launched} = linkOf({
    daemonIsGone: () => {
      looks += 1;
      return false;
    },
  });
  await until('connected', () => launched[0]?.connections === 1);
  expect(launched).toHaveLength(1);
  expect(looks).toBeGreaterThan(1);
});

test('brings back a daemon that dies while it is connected, and is connected to the next one', async () => {
  const {launched} = linkOf({daemonIsGone: () => true});
  await until('connected', () => launched[0]?.connections === 1);
  await launched[0]?.kill();
  await until('connected again', () => launched[1]?.connections === 1);
  expect(launched).toHaveLength(2);
});
