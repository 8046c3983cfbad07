import {afterEach, beforeEach, expect, test} from 'vitest';
import {EphemeralAgent} from '../../../src/hub/client/ephemeral-agent.ts';
import {InProcessHub} from '../../../src/hub/client/in-process-hub.ts';
import {createRealtimeHub, type RealtimeHub} from '../../../src/hub/client/realtime-hub.ts';
import type {RealtimeOptions} from '../../../src/hub/client/realtime-options.ts';
import {SEALED_PREFIX} from '../../../src/hub/security/end-to-end.ts';
import type {HubMessage} from '../../../src/model/hub.ts';
import {until} from '../../rig/until.ts';
import {episode, type HubRig, pushOf, startHub} from '../server/hub-rig.ts';

const open = new Set<RealtimeHub>();
let rig: HubRig;
let inProcess: InProcessHub;

beforeEach(async () => {
  rig = await startHub();
  inProcess = new InProcessHub();
});

afterEach(async () => {
  await Promise.all([...open].map(hub => hub.shutdown()));
  open.clear();
  await rig[Symbol.asyncDispose]();
});

type Backend = (agentId: string) => Pick<RealtimeOptions, 'endpoint' | 'token' | 'hubAdapter'>;

const backends: readonly (readonly [string, Backend])[] = [
  ['over WebSockets', agentId => ({endpoint: rig.url, token: rig.desk.issue(agentId)})],
  ['in one process', () => ({hubAdapter: inProcess.adapter})],
];

/** The same must be true of every hub. */
for (const [name, backend] of backends) {
  async function join(agentId: string, options: RealtimeOptions = {}): Promise<RealtimeHub> {
    const hub = createRealtimeHub(agentId, 't1', {...backend(agentId), ...options});
    open.add(hub);
    await hub.connect();
    return hub;
  }

  test(`${name}: who comes, changes and goes is told, and who is there can be asked`, async () => {
    const ann = await join('ann');
    const seen: string[] = [];
    ann.on('agent:join', ({agentId, skills}) => seen.push(`${agentId} came with ${skills.join()}`));
    ann.on('agent:update', ({agentId, doing}) => seen.push(`${agentId} does ${doing}`));
    ann.on('agent:leave', ({agentId, why}) => seen.push(`${agentId} ${why}`));
    ann.on('message:status_update', ({message, status}) => seen.push(`${message.from} says ${status}`));
    const synced: number[] = [];
    const bob = createRealtimeHub('bob', 't1', {...backend('bob'), skills: ['ts']});
    open.add(bob);
    bob.on('agents:sync', agents => synced.push(agents.length));
    await until('bob is told who is there', () => synced[0] === 2);
    await bob.updateStatus('busy', {doing: 'the tests'});
    await until('ann is told', () => seen.includes('bob says busy') && seen.includes('bob does the tests'));
    expect((await ann.getActiveAgents()).map(({agentId, status}) => [agentId, status]).sort()).toEqual([
      ['ann', 'online'],
      ['bob', 'busy'],
    ]);
    await bob.shutdown();
    await until('ann is told that he left', () => seen.includes('bob left'));
    expect(seen.some(line => line.startsWith('bob came with'))).toBe(true);
  });

  test(`${name}: tasks are assigned and reported, knowledge is shared by topic, each message once`, async () => {
    const [ann, bob, eve] = [await join('ann'), await join('bob', {topics: ['sql']}), await join('eve')];
    const told: unknown[] = [];
    bob.on('message:task_assignment', ({taskId, description, data, message}) => {
      told.push({description, data, priority: message.priority});
      void bob.reportTaskComplete(message.from, {taskId, success: true, result: [1]});
    });
    bob.on('message:share_knowledge', ({title, tags}) => told.push({title, tags}));
    eve.on('message:share_knowledge', ({title}) => told.push(`eve heard ${title}`));
    const reports: unknown[] = [];
    ann.on('message:task_complete', ({taskId, success, result}) => reports.push({taskId, success, result}));
    const taskId = await ann.assignTask('bob', {description: 'look', data: {file: 'a.ts'}}, {priority: 'urgent'});
    await until('the report comes', () => reports.length > 0);
    expect(reports).toEqual([{taskId, success: true, result: [1]}]);
    await ann.shareKnowledge({title: 'indexes help', content: 'they do', tags: ['db']}, {topic: 'sql'});
    await ann.sendMessage('bob', 'last');
    const last: HubMessage[] = [];
    bob.on('message:received', message => last.push(message));
    await ann.sendMessage('bob', 'very last');
    await until('all came', () => last.some(({body}) => body === 'very last'));
    expect(told).toEqual([
      {description: 'look', data: {file: 'a.ts'}, priority: 'urgent'},
      {title: 'indexes help', tags: ['db']},
    ]);
  });

  test(`${name}: help is asked for, and answered by those who can, before the deadline`, async () => {
    const [ann, bob, eve] = [await join('ann'), await join('bob'), await join('eve')];
    for (const helper of [bob, eve]) {
      helper.on('message:request_help', ({question, message}) => {
        void helper.reply(message, `${helper.agentId} on ${question}`);
      });
    }
    const answers = await ann.requestHelp('why is it red', {answers: 2});
    expect(answers.map(({body}) => body).sort()).toEqual(['bob on why is it red', 'eve on why is it red']);
    expect((await ann.requestHelp('you, bob', {to: 'bob'})).map(({from}) => from)).toEqual(['bob']);
    const nobody = await ann.requestHelp('nobody knows', {to: 'bob', answers: 5, deadlineMs: 200});
    expect(nobody.length).toBe(1);
    await expect(ann.requestHelp('who', {to: 'never-seen'})).rejects.toMatchObject({code: 'not-found'});
  });

  test(`${name}: of everybody those with the skills are told, as they show them then`, async () => {
    const ann = await join('ann');
    const [bob, eve, kim] = [
      await join('bob', {skills: ['sql', 'ts'], topics: ['db']}),
      await join('eve', {skills: ['ts']}),
      await join('kim', {skills: ['sql'], topics: ['db']}),
    ];
    const heard = new Map<string, unknown[]>();
    for (const hub of [bob, eve, kim]) {
      const mine: unknown[] = [];
      heard.set(hub.agentId, mine);
      hub.on('message:received', ({body, skills}) => mine.push([body, skills]));
      hub.on('message:request_help', ({question, message}) => void hub.reply(message, `${hub.agentId}: ${question}`));
    }
    const answers = await ann.requestHelp('slow query', {skills: ['sql'], answers: 2});
    expect(answers.map(({body}) => body).sort()).toEqual(['bob: slow query', 'kim: slow query']);
    const both = await ann.requestHelp('typed query', {skills: ['sql', 'ts'], topic: 'db', answers: 1});
    expect(both.map(({from}) => from)).toEqual(['bob']);
    for (const mine of heard.values()) mine.length = 0;
    await ann.broadcast('sql', {skills: ['sql']});
    await ann.broadcast('sql and ts', {skills: ['ts', 'sql']});
    await ann.broadcast('db and ts', {skills: ['ts'], topic: 'db'});
    await ann.broadcast('cobol', {skills: ['cobol']});
    await eve.updateStatus('online', {skills: ['sql']});
    await ann.shareKnowledge({title: 'indexes', content: 'help'}, {skills: ['sql']});
    await ann.broadcast('all');
    for (const {agentId} of [bob, eve, kim]) await ann.requestHelp('you', {to: agentId, skills: ['cobol']});
    const indexes = [{title: 'indexes', content: 'help', tags: []}, ['sql']];
    const direct = [{question: 'you', skills: ['cobol'], data: null}, undefined];
    const all = ['all', undefined];
    const status = [{status: 'online', doing: null}, undefined];
    expect(heard.get('bob')).toEqual([
      ['sql', ['sql']],
      ['sql and ts', ['ts', 'sql']],
      ['db and ts', ['ts']],
      status,
      indexes,
      all,
      direct,
    ]);
    expect(heard.get('eve')).toEqual([indexes, all, direct]);
    expect(heard.get('kim')).toEqual([['sql', ['sql']], status, indexes, all, direct]);
  });

  test(`${name}: what others remember is told once, also what came while the connection was down`, async () => {
    const ann = await join('ann');
    const added: string[] = [];
    const updated: string[] = [];
    ann.on('memory:added', ({episode: {task}}) => added.push(task));
    ann.on('memory:updated', ({change}) => updated.push(change.kind));
    const bob = await EphemeralAgent.spawn({tenantId: 't1', agentId: 'bob', ...hubOf(backend('bob'))});
    const id = await bob.storeEpisode({task: 'first', reward: 1});
    await bob.db.vote(id, 1);
    await bob.sync();
    await until('ann is told', () => added.length > 0 && updated.length > 0);
    await bob.storeEpisode({task: 'second', reward: 1});
    await bob.sync();
    await until('ann is told of the second', () => added.length > 1);
    expect(added).toEqual(['first', 'second']);
    expect(updated).toEqual(['vote']);
    await bob.destroy();
  });
}

function hubOf({endpoint, ...rest}: Pick<RealtimeOptions, 'endpoint' | 'token' | 'hubAdapter'>) {
  return {...rest, ...(endpoint !== undefined && {hubEndpoint: endpoint})};
}

test('a direct message that was not acknowledged is told once, even when the hub delivers it again', async () => {
  const first = await rig.join('ann');
  const bob = await rig.join('bob');
  await bob.ask('ok', {
    type: 'message',
    message: {id: 'm1', to: 'ann', topic: null, kind: 'message', body: 1, priority: 'low', correlationId: null},
  });
  await first.next('message');
  first.webSocket.close();
  const ann = createRealtimeHub('ann', 't1', {endpoint: rig.url, token: rig.desk.issue('ann')});
  open.add(ann);
  const heard: string[] = [];
  ann.on('message:received', ({id}) => heard.push(id));
  await until('it is delivered again', () => heard.length > 0);
  // The hub knows of the acknowledgement when it answers what came after it.
  await ann.getActiveAgents();
  await ann.shutdown();
  const third = await rig.join('ann');
  await third.answer({type: 'who'});
  expect(third.frames.filter(({type}) => type === 'message')).toEqual([]);
  expect(heard).toEqual(['m1']);
});

test('a message whose acknowledgement was lost with the connection is told once', async () => {
  const join = async (agentId: string) => {
    const hub = createRealtimeHub(agentId, 't1', {hubAdapter: inProcess.adapter});
    open.add(hub);
    await hub.connect();
    return hub;
  };
  const [ann, bob] = [await join('ann'), await join('bob')];
  const heard: unknown[] = [];
  ann.on('message:received', ({body}) => {
    heard.push(body);
    if (heard.length === 1) inProcess.dropAll();
  });
  await bob.sendMessage('ann', 'once');
  await bob.sendMessage('ann', 'and another');
  await until('the other came', () => heard.length > 1);
  expect(heard).toEqual(['once', 'and another']);
});

test('memories that were pushed while the hub was away from us are pulled with the next connection', async () => {
  const {port} = rig.hub.address!;
  const {store, desk, url} = rig;
  const ann = createRealtimeHub('ann', 't1', {endpoint: url, token: () => desk.issue('ann')});
  open.add(ann);
  const added: string[] = [];
  ann.on('memory:added', ({episode: {task}}) => added.push(task));
  await ann.connect();
  await rig.hub.stop();
  store.append('t1', [{kind: 'episode', episode: episode('bob', {task: 'missed'})}]);
  store.flush();
  rig = await startHub({port, store, totals: store, auth: desk});
  const eve = await rig.open();
  eve.hello(desk.issue('eve'));
  await eve.next('welcome');
  await until('ann has heard of it', () => added.length > 0);
  await eve.ask('pushed', pushOf(episode('eve', {task: 'later'})));
  await until('ann is told of what came later', () => added.length > 1);
  expect(added).toEqual(['missed', 'later']);
});

test('an agent and its realtime hub share one connection', async () => {
  const agent = await EphemeralAgent.spawn({
    tenantId: 't1',
    agentId: 'ann',
    hubEndpoint: rig.url,
    token: rig.desk.issue('ann'),
  });
  const live = createRealtimeHub('ann', 't1', {hub: agent.hub!, topics: ['a'], skills: ['sql']});
  await live.connect();
  const bob = createRealtimeHub('bob', 't1', {endpoint: rig.url, token: rig.desk.issue('bob')});
  open.add(bob);
  const heard: unknown[] = [];
  live.on('message:received', ({body}) => heard.push(body));
  await bob.connect();
  await bob.broadcast('who can', {topic: 'a', skills: ['sql']});
  await bob.sendMessage('ann', 'hello');
  await until('both came', () => heard.length === 2);
  expect(heard).toEqual(['who can', 'hello']);
  await live.shutdown();
  expect(agent.hub?.isConnected()).toBe(true);
  await agent.destroy();
});

test('two realtime hubs over one connection each hear their own topics', async () => {
  const agent = await EphemeralAgent.spawn({
    tenantId: 't1',
    agentId: 'ann',
    hubEndpoint: rig.url,
    token: rig.desk.issue('ann'),
  });
  const follows = async (topic: string, told: unknown[]) => {
    const hub = createRealtimeHub('ann', 't1', {hub: agent.hub!, topics: [topic]});
    hub.on('message:received', ({body}) => told.push(body));
    let isKnown = false;
    hub.on('agents:sync', () => (isKnown = true));
    await until('the hub knows the topics', () => isKnown);
    return hub;
  };
  const [ofX, ofY]: unknown[][] = [[], []];
  const x = await follows('x', ofX!);
  await follows('y', ofY!);
  const bob = createRealtimeHub('bob', 't1', {endpoint: rig.url, token: rig.desk.issue('bob')});
  open.add(bob);
  await bob.broadcast('of x', {topic: 'x'});
  await bob.broadcast('of y', {topic: 'y'});
  await bob.broadcast('to all');
  await until('both heard', () => ofX!.length + ofY!.length >= 4);
  expect([ofX, ofY]).toEqual([
    ['of x', 'to all'],
    ['of y', 'to all'],
  ]);
  await x.shutdown();
  await bob.broadcast('of x again', {topic: 'x'});
  await bob.broadcast('of y again', {topic: 'y'});
  await until('the other still hears', () => ofY!.length === 3);
  expect(ofX).toHaveLength(2);
  await agent.destroy();
});

test('messages that cannot be opened keep no others away', async () => {
  const bob = createRealtimeHub('bob', 't1', {endpoint: rig.url, token: rig.desk.issue('bob')});
  const mallory = createRealtimeHub('mallory', 't1', {endpoint: rig.url, token: rig.desk.issue('mallory')});
  open.add(bob).add(mallory);
  const heard: unknown[] = [];
  bob.on('message:received', ({body}) => heard.push(body));
  await Promise.all([bob.connect(), mallory.connect()]);
  // More than a hub keeps for an agent.
  for (let sent = 0; sent < 1200; sent += 100) {
    const some = Array.from({length: 100}, (_, index) => mallory.sendMessage('bob', `${SEALED_PREFIX}${sent + index}`));
    await Promise.all(some);
  }
  await mallory.sendMessage('bob', 'hello');
  await until('bob hears what he can read', () => heard.length > 0);
  expect(heard).toEqual(['hello']);
});
