import {expect, test} from 'vitest';
import type {HostSocket} from '../../src/daemon/host-session.ts';
import {Hosts} from '../../src/daemon/hosts.ts';
import type {Log} from '../../src/daemon/log.ts';
import type {Input} from '../../src/federation/engine-io.ts';
import {agentId, attemptId, hostId} from '../../src/model/ids.ts';
import {ownIdentity} from '../../src/os/process-identity.ts';
import {projectPaths} from '../../src/project/project-paths.ts';
import type {DaemonMessage, HostMessage} from '../../src/wire/host-protocol.ts';
import type {Closed} from '../../src/wire/json-socket.ts';

const log: Log = {debug: () => undefined, info: () => undefined, warn: () => undefined, error: () => undefined};
const paths = projectPaths('/a/project', {});
const limits = {
  graceMs: 1,
  killGraceMs: 1,
  logCapBytes: 1,
  outputCapBytes: 1,
  spawnConcurrency: 1,
};

/** The daemon's end of a connection whose other end is the test. */
class Connection {
  readonly sent: DaemonMessage[] = [];
  isOpen = true;
  #message: (message: HostMessage) => void = () => undefined;
  #close: (closed: Closed) => void = () => undefined;

  say(message: HostMessage): void {
    this.#message(message);
  }

  send(message: DaemonMessage): void {
    this.sent.push(message);
  }

  onMessage(listener: (message: HostMessage) => void): () => void {
    this.#message = listener;
    return () => undefined;
  }

  onClose(listener: (closed: Closed) => void): () => void {
    this.#close = listener;
    return () => undefined;
  }

  close(): Promise<void> {
    this.terminate();
    return Promise.resolve();
  }

  terminate(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#close({code: 1006, detail: ''});
  }
}

function rig() {
  const inputs: Input[] = [];
  const durable: (() => void)[] = [];
  const hosts = new Hosts({
    paths,
    storeId: 'store',
    version: '1',
    machineId: 'm',
    limits,
    submit: (input, {effective, durable: done} = {}) => {
      inputs.push(input);
      if (effective) durable.push(effective);
      if (done) durable.push(done);
    },
    printed: () => undefined,
    said: () => undefined,
    log,
  });
  const connect = (hello: Partial<Extract<HostMessage, {type: 'hello'}>> = {}) => {
    const connection = new Connection();
    // The part of a JsonSocket that hosts use.
    hosts.accept(connection as unknown as HostSocket);
    connection.say({
      type: 'hello',
      protocol: {min: 1, max: 1},
      build: '1',
      projectId: paths.projectId,
      storeId: 'store',
      hostId: hostId('h'),
      machineId: 'm',
      process: ownIdentity(),
      holds: [attemptId(3)],
      agents: [agentId('a-1')],
      teams: [],
      ...hello,
    });
    return connection;
  };
  const settle = () => {
    for (const done of durable.splice(0)) done();
    hosts.endTick();
  };
  return {hosts, inputs, connect, settle};
}

const types = (messages: readonly {type: string}[]) => messages.map(({type}) => type);

test.each([
  ['another project', {projectId: 'other'}],
  ['another store', {storeId: 'other'}],
  ['a newer protocol', {protocol: {min: 3, max: 4}}],
])('a host of %s is refused and not heard', (_, hello) => {
  const {inputs, connect} = rig();
  const connection = connect(hello);
  expect(types(connection.sent)).toEqual(['refuse']);
  expect(connection.isOpen).toBe(false);
  expect(inputs).toEqual([]);
});

test('a host of ours is welcomed with what it holds; a protocol that both speak is chosen', () => {
  const {hosts, inputs, connect} = rig();
  const connection = connect({protocol: {min: 1, max: 9}});
  expect(connection.sent).toMatchObject([{type: 'welcome', protocol: 2, limits}]);
  expect(inputs).toMatchObject([{type: 'host-connected', holds: [3], agents: ['a-1'], host: {id: 'h', gone: false}}]);
  hosts.close();
});

test('what was decided before a new connection was known is not said over it', () => {
  const {hosts, connect, settle} = rig();
  connect();
  settle();
  const next = connect();
  hosts.tell(hostId('h'), {type: 'stop', attempts: [attemptId(3)], by: 'user'});
  expect(types(next.sent)).toEqual(['welcome']);
  settle();
  hosts.tell(hostId('h'), {type: 'stop', attempts: [attemptId(4)], by: 'user'});
  expect(next.sent.slice(1)).toEqual([{type: 'stop', attempts: [4], by: 'user'}]);
  hosts.close();
});

test('reports are taken once, and acknowledged when what follows is durable, again when sent again', () => {
  const {hosts, inputs, connect, settle} = rig();
  const connection = connect();
  const reports = [
    {type: 'agents-ready', agents: [agentId('a-1')]},
    {type: 'attempt-verifying', attempt: attemptId(3)},
  ] as const;
  connection.say({type: 'reports', first: 1, reports});
  hosts.endTick();
  expect(types(connection.sent)).toEqual(['welcome']);
  settle();
  expect(connection.sent.at(-1)).toEqual({type: 'ack', report: 2});
  const taken = inputs.length;
  connection.say({type: 'reports', first: 1, reports});
  settle();
  expect(types(inputs.slice(taken))).toEqual(['tick', 'tick']);
  expect(connection.sent.filter(({type}) => type === 'ack')).toHaveLength(2);
  hosts.close();
});

test('a newer connection of a host replaces the older one without the host having been away', () => {
  const {hosts, inputs, connect, settle} = rig();
  const older = connect();
  const newer = connect();
  expect(older.isOpen).toBe(false);
  expect(types(inputs)).toEqual(['host-connected', 'host-connected']);
  older.say({type: 'reports', first: 1, reports: [{type: 'attempt-verifying', attempt: attemptId(3)}]});
  expect(inputs).toHaveLength(2);
  settle();
  hosts.tell(hostId('h'), {type: 'shutdown'});
  expect(types(newer.sent)).toEqual(['welcome', 'shutdown']);
  newer.terminate();
  expect(types(inputs)).toEqual(['host-connected', 'host-connected', 'host-disconnected']);
  hosts.close();
});

test('a read that its host does not live to answer fails instead of hanging', async () => {
  const {hosts, connect} = rig();
  const connection = connect();
  const reading = hosts.read({folder: '/f', file: 'logs/1.1.log', offset: 0, length: 10});
  await Promise.resolve();
  expect(types(connection.sent)).toContain('read');
  connection.terminate();
  expect(await reading).toMatchObject({ok: false, failure: {reason: 'daemon-unreachable'}});
  hosts.close();
});

test('a connection that begins with anything but hello is refused', () => {
  const {hosts, inputs} = rig();
  const connection = new Connection();
  hosts.accept(connection as unknown as HostSocket);
  connection.say({type: 'beat'});
  expect(types(connection.sent)).toEqual(['refuse']);
  expect(inputs).toEqual([]);
});

test('signs of life reach the engine under the name of their host, those of an older connection do not', () => {
  const {hosts, inputs, connect} = rig();
  const older = connect({paused: [attemptId(3)]});
  expect(inputs).toMatchObject([{type: 'host-connected', paused: [3]}]);
  const vitals = [
    {attempt: attemptId(3), processes: 2, cpuMs: 40, rssBytes: 1000, outputBytes: 7, silentMs: 1200, state: 'stopped'},
  ] as const;
  older.say({type: 'vitals', lagMs: 35, vitals});
  older.say({type: 'beat'});
  expect(inputs.slice(1)).toEqual([
    {type: 'vitals', hostId: 'h', lagMs: 35, vitals},
    {type: 'vitals', hostId: 'h', lagMs: 0, vitals: []},
  ]);
  connect();
  const before = inputs.length;
  older.say({type: 'vitals', lagMs: 0, vitals});
  older.say({type: 'beat'});
  expect(inputs).toHaveLength(before);
  hosts.close();
});

test('a host that is back before the daemon has looked at what it left behind is told things like any other', () => {
  const {hosts, connect, settle} = rig();
  const connection = connect();
  hosts.restore([{id: hostId('h'), machineId: 'm', process: ownIdentity(), gone: false}]);
  settle();
  hosts.tell(hostId('h'), {type: 'stop', attempts: [attemptId(3)], by: 'user'});
  expect(types(connection.sent)).toEqual(['welcome', 'stop']);
  hosts.close();
});

test('nobody waits for a host to read a file when none is started any more', async () => {
  const {hosts} = rig();
  await hosts.end();
  const asked = {folder: '/a', file: 'b', offset: 0, length: 1};
  expect(await hosts.read(asked)).toMatchObject({ok: false, failure: {reason: 'host-start-failed'}});
  hosts.close();
  expect(await hosts.read(asked)).toMatchObject({ok: false, failure: {reason: 'host-start-failed'}});
});
