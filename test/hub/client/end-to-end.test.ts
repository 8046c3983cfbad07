import {generateKeyPairSync, randomBytes} from 'node:crypto';
import {chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {connect, createServer, type Server, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, beforeEach, expect, test} from 'vitest';
import {type EndToEndOptions, tenantSeal} from '../../../src/hub/client/end-to-end.ts';
import {EphemeralAgent} from '../../../src/hub/client/ephemeral-agent.ts';
import {FederationHub, type FederationHubOptions} from '../../../src/hub/client/federation-hub.ts';
import {InProcessHub} from '../../../src/hub/client/in-process-hub.ts';
import {createRealtimeHub} from '../../../src/hub/client/realtime-hub.ts';
import {SealingHub} from '../../../src/hub/client/sealing-hub.ts';
import {openCache} from '../../../src/hub/client/store/open-cache.ts';
import {signEpisode, verifyEpisode} from '../../../src/hub/security/episode-signature.ts';
import {openAgent, openMessage, sealBody, sealNote} from '../../../src/hub/security/sealed-talk.ts';
import {FederationHubServer} from '../../../src/hub/server/federation-hub-server.ts';
import type {Episode} from '../../../src/model/episode.ts';
import type {HubMessage} from '../../../src/model/hub.ts';
import {until} from '../../rig/until.ts';
import {sampleEpisode} from '../security/sample-episode.ts';

const MARKER = 'Xylophonquartett';
let folder: string;
let server: FederationHubServer;
let line: Line;
const open = new Set<FederationHub>();

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'godel-docse2e-'));
  server = new FederationHubServer({port: 0, dbPath: join(folder, 'hub.db'), embedder: {kind: 'hashed'}});
  await server.start();
  line = await Line.to(server.address!.port);
});

afterEach(async () => {
  await Promise.all([...open].map(hub => hub.close()));
  open.clear();
  line.close();
  await server.stop();
  rmSync(folder, {recursive: true, force: true});
});

/** Between agents and hub; it keeps what passes. */
class Line {
  readonly port: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #passed = new Map<Socket, Buffer[]>();

  private constructor(server: Server, port: number) {
    this.#server = server;
    this.port = port;
  }

  static async to(port: number): Promise<Line> {
    const server = createServer();
    await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const line = new Line(server, typeof address === 'object' ? (address?.port ?? 0) : 0);
    server.on('connection', near => {
      const far = connect(port, '127.0.0.1');
      for (const [from, to] of [
        [near, far],
        [far, near],
      ] as const) {
        const chunks: Buffer[] = [];
        line.#passed.set(from, chunks);
        line.#sockets.add(from);
        from.on('data', (chunk: Buffer) => {
          chunks.push(chunk);
          to.write(chunk);
        });
        from.on('error', () => to.destroy());
        from.on('close', () => to.destroy());
      }
    });
    return line;
  }

  get passed(): Buffer {
    return Buffer.concat([...this.#passed.values()].flatMap(chunks => [...chunks, unmasked(Buffer.concat(chunks))]));
  }

  close(): void {
    for (const socket of this.#sockets) socket.destroy();
    this.#server.close();
  }
}

/** What the WebSocket frames behind an upgrade say: those of clients are masked (RFC 6455, 5.2 and 5.3). */
function unmasked(stream: Buffer): Buffer {
  const parts: Buffer[] = [];
  for (let at = stream.indexOf('\r\n\r\n') + 4; at + 2 <= stream.length; ) {
    const second = stream[at + 1] ?? 0;
    const short = second & 127;
    const head = at + (short === 126 ? 4 : short === 127 ? 10 : 2);
    const start = head + (second < 128 ? 0 : 4);
    const length =
      short === 126 ? stream.readUInt16BE(at + 2) : short === 127 ? Number(stream.readBigUInt64BE(at + 2)) : short;
    const mask = stream.subarray(head, start);
    const body = stream.subarray(start, start + length);
    parts.push(mask.length === 0 ? body : (body.map((byte, index) => byte ^ (mask[index % 4] ?? 0)) as Buffer));
    at = start + length;
  }
  return Buffer.concat(parts);
}

/** The marker as it is, and as it looks in hex and in base64, wherever it begins there. */
function traces(bytes: Buffer): readonly string[] {
  const text = bytes.toString('latin1').toLowerCase();
  const base64 = [0, 1, 2].map(offset =>
    Buffer.from(' '.repeat(offset) + MARKER)
      .toString('base64')
      .slice(offset === 0 ? 0 : 4, -4),
  );
  return [MARKER, Buffer.from(MARKER).toString('hex'), ...base64].filter(each => text.includes(each.toLowerCase()));
}

const hubFiles = () =>
  Buffer.concat(
    readdirSync(folder)
      .filter(name => name.startsWith('hub.db'))
      .map(name => readFileSync(join(folder, name))),
  );

async function client(
  agentId: string,
  endToEnd: EndToEndOptions | null,
  options: Partial<FederationHubOptions> = {},
): Promise<FederationHub> {
  const hub = new FederationHub({
    endpoint: `ws://127.0.0.1:${line.port}`,
    agentId,
    tenantId: 't1',
    token: await server.security.generateToken(agentId, 't1', {role: 'worker'}),
    ...(endToEnd && {endToEnd}),
    ...options,
  });
  open.add(hub);
  return hub;
}

const newKey = () => randomBytes(32).toString('hex');

const lesson = (about: string) => ({
  task: `${about}: tune the ${MARKER}`,
  input: `input ${MARKER}`,
  output: `output ${MARKER}`,
  critique: `critique ${MARKER}`,
  tags: [MARKER],
  reward: 1,
});

const tasks = async (hub: FederationHub, query: string) =>
  (await hub.db.queryMemories(query, 10)).map(({episode}) => episode.task).toSorted();

test('a hub never sees what agents with a key share, and they find and judge each other’s lessons', async () => {
  const key = newKey();
  const [ann, bob] = [await client('ann', {key}), await client('bob', {key})];
  const id = await ann.db.storeEpisode(lesson('ann'));
  await ann.sync();
  await bob.sync();
  const [found] = await bob.db.queryMemories(`the ${MARKER}`, 3);
  expect(found?.episode).toMatchObject({id, agentId: 'ann', ...lesson('ann')});
  expect(await bob.db.queryMemories('tune', 3, {tags: [MARKER]})).toHaveLength(1);
  await bob.db.criticise(id, `better ${MARKER}`);
  await bob.db.tag(id, {add: [`${MARKER} 2`], remove: [MARKER]});
  await bob.db.vote(id, 1);
  await bob.sync();
  await ann.sync();
  expect((await ann.db.getEpisode(id))?.state).toMatchObject({
    critique: `better ${MARKER}`,
    tags: [`${MARKER} 2`],
    up: 1,
  });
  expect(ann.getSyncStats()).toMatchObject({refused: [], sealed: 0, episodes: 1, pending: 0});
  const passed = line.passed;
  expect(passed.toString('latin1')).toContain(id);
  expect(traces(passed)).toEqual([]);
  expect(hubFiles().toString('latin1')).toContain(id);
  expect(traces(hubFiles())).toEqual([]);
});

test('the search for traces finds what a plain agent says', async () => {
  const ann = await client('ann', null);
  await ann.db.storeEpisode(lesson('ann'));
  await ann.sync();
  expect(traces(line.passed)).toContain(MARKER);
  expect(traces(hubFiles())).toContain(MARKER);
  // Not only in what the hub answers.
  expect(line.passed.toString()).toContain(`"critique":"critique ${MARKER}"`);
  expect(traces(Buffer.from(Buffer.from(`say ${MARKER} loud`).toString('base64')))).toHaveLength(1);
});

test('in a mixed tenant each sees what it can: plain for all, sealed for its key; the rest is kept, counted and not shown', async () => {
  const key = newKey();
  const ann = await client('ann', {key});
  const bob = await client('bob', null);
  const eve = await client('eve', {key: newKey()});
  const sealedId = await ann.db.storeEpisode({...lesson('sealed'), task: `sealed ${MARKER}`});
  const plainId = await bob.db.storeEpisode({task: 'plain lesson', reward: 1});
  await ann.sync();
  await bob.sync();
  await ann.db.criticise(plainId, 'said under seal');
  await ann.db.tag(plainId, {add: ['under seal']});
  for (const hub of [ann, bob, eve, ann, bob, eve]) await hub.sync();
  expect(await tasks(ann, `sealed plain ${MARKER} lesson`)).toEqual(['plain lesson', `sealed ${MARKER}`]);
  for (const hub of [bob, eve]) {
    expect(await tasks(hub, `sealed plain ${MARKER} lesson godel`)).toEqual(['plain lesson']);
    expect(await hub.db.getEpisode(sealedId)).toBeNull();
    expect(hub.getSyncStats()).toMatchObject({sealed: 1, episodes: 1, position: 4});
    expect((await hub.db.getEpisode(plainId))?.state).toMatchObject({critique: null, tags: []});
  }
  expect((await ann.db.getEpisode(plainId))?.state).toMatchObject({critique: 'said under seal', tags: ['under seal']});
  expect(ann.getSyncStats()).toMatchObject({sealed: 0, episodes: 2});
  // The hub's own search answers those who let it read, without what it cannot.
  const searched = await until('the hub finds the plain one', async () => {
    const memories = await bob.db.queryMemories('plain lesson godel sealed', 5, {from: 'hub'});
    return memories.length > 0 && memories;
  });
  expect(searched).toMatchObject([{episode: {task: 'plain lesson'}, state: {critique: null}}]);
  await until('vectors are made', () => server.getStats().unembedded === 0);
  const answered = await bob.adapter!.recall!({query: 'godel sealed lesson', k: 10});
  expect(answered.map(({episode}) => episode.id)).toEqual([plainId]);
  await expect(ann.db.queryMemories('lesson', 5, {from: 'hub'})).rejects.toMatchObject({
    code: 'bad-option',
    message: "With endToEnd the hub cannot search, since it cannot read: use from: 'cache'",
  });
  expect(() => ann.document('plan')).toThrow(/Shared documents are merged by the hub/);
});

test('keys are rotated: the first seals, all open, and what was closed opens when its key is added', async () => {
  const [old, young] = [newKey(), newKey()];
  const ann = await client('ann', {key: old});
  const id = await ann.db.storeEpisode(lesson('old key'));
  await ann.db.criticise(id, 'of the old key');
  await ann.sync();
  const bob = await client('bob', {key: [young, old]});
  await bob.db.storeEpisode(lesson('young key'));
  await bob.sync();
  await ann.sync();
  expect(ann.getSyncStats()).toMatchObject({sealed: 1, episodes: 1});
  expect(await tasks(bob, 'key')).toHaveLength(2);
  const memoryPath = join(folder, 'cid.db');
  const late = await client('cid', {key: young}, {memoryPath});
  await late.sync();
  expect(late.getSyncStats()).toMatchObject({sealed: 1, episodes: 1});
  await late.close();
  const again = await client('cid', {key: young}, {memoryPath});
  expect(again.getSyncStats().position).toBe(3);
  await again.close();
  const whole = await client('cid', {key: [young, old]}, {memoryPath});
  await whole.sync();
  expect(whole.getSyncStats()).toMatchObject({sealed: 0, episodes: 2, position: 3});
  expect(await tasks(whole, 'key')).toHaveLength(2);
  expect((await whole.db.getEpisode(id))?.state.critique).toBe('of the old key');
  await whole.close();
  expect(traces(line.passed)).toEqual([]);
});

test('what waits in a cache for a sealing agent is not pushed by one that does not seal', async () => {
  const memoryPath = join(folder, 'ann.db');
  const key = newKey();
  const alone = await EphemeralAgent.spawn({agentId: 'ann', tenantId: 't1', memoryPath, endToEnd: {key}});
  await alone.storeEpisode(lesson('ann'));
  await alone.destroy();
  await expect(client('bob', null, {memoryPath})).rejects.toThrow(/is sealed before it leaves it: give endToEnd/);
  const heir = await client('bob', {key}, {memoryPath});
  await heir.sync();
  expect(heir.getSyncStats()).toMatchObject({pushed: 1, pending: 0});
  expect(traces(line.passed)).toEqual([]);
  const cache = openCache({tenantId: 't1'});
  const sealing = await client('cid', {key}, {cache});
  await expect(client('dan', null, {cache})).rejects.toThrow(/All who share a cache have the same endToEnd keys/);
  await sealing.close();
  await expect(client('dan', null, {cache})).rejects.toThrow(/give endToEnd/);
  await (await client('dan', {key}, {cache})).close();
  cache.close();
});

test('news and realtime events are opened too, and what is closed is not told', async () => {
  const key = newKey();
  const [ann, bob, eve] = [await client('ann', {key}), await client('bob', {key}), await client('eve', null)];
  await Promise.all([ann, bob, eve].map(hub => hub.sync()));
  const heard: string[] = [];
  for (const hub of [bob, eve]) {
    const realtime = createRealtimeHub(hub.agentId, 't1', {hub});
    realtime.on('memory:added', ({episode}) => heard.push(`${hub.agentId}: ${episode.task}`));
    realtime.on('memory:updated', ({change}) => heard.push(`${hub.agentId}: ${change.kind}`));
  }
  const id = await ann.db.storeEpisode({task: 'told at once', reward: 1});
  await ann.db.tag(id, {add: ['quick']});
  await ann.db.use(id);
  await ann.sync();
  await until('all is told', () => heard.length >= 4);
  expect(heard.toSorted()).toEqual(['bob: tag', 'bob: told at once', 'bob: use', 'eve: use']);
  expect(bob.getSyncStats()).toMatchObject({position: 3, episodes: 1});
});

test('messages and what agents say of themselves are sealed too: who has the key hears them, the hub and the others do not', async () => {
  const key = newKey();
  const [annHub, eveHub] = [await client('ann', {key}), await client('eve', null)];
  const bobToken = await server.security.generateToken('bob', 't1', {role: 'worker'});
  const ann = createRealtimeHub('ann', 't1', {hub: annHub, status: MARKER, skills: [MARKER]});
  const eve = createRealtimeHub('eve', 't1', {hub: eveHub});
  const heard: unknown[] = [];
  eve.on('message:received', message => heard.push(message));
  await Promise.all([ann.connect(), eve.connect()]);
  // Somebody who was there and is away.
  const before = await client('bob', {key});
  await before.connect();
  await before.close();
  await ann.sendMessage('bob', `for bob: ${MARKER}`);
  const bob = createRealtimeHub('bob', 't1', {
    endpoint: `ws://127.0.0.1:${line.port}`,
    token: bobToken,
    endToEnd: {key},
    skills: [MARKER, 'sql'],
  });
  const got: unknown[] = [];
  bob.on('message:received', ({from, body}) => got.push([from, body]));
  bob.on('message:request_help', ({question, message}) => void bob.reply(message, `answer to ${question}`));
  bob.on('message:task_assignment', ({taskId, message}) => {
    void bob.reportTaskComplete(message.from, {taskId, success: true, result: MARKER});
  });
  await bob.connect();
  await until('bob has got it', () => got.length === 1);
  expect(got).toEqual([['ann', `for bob: ${MARKER}`]]);
  const reported = new Promise<unknown>(resolve => ann.on('message:task_complete', ({result}) => resolve(result)));
  await ann.assignTask('bob', {description: MARKER, data: {of: MARKER}});
  expect(await reported).toBe(MARKER);
  expect((await ann.requestHelp(MARKER, {answers: 1})).map(({body}) => body)).toEqual([`answer to ${MARKER}`]);
  // The hub knows nobody's skills: those who have the key look for themselves.
  await ann.broadcast('for others', {skills: [MARKER, 'cobol']});
  const able = await ann.requestHelp('who can', {skills: ['sql', MARKER]});
  expect(able.map(({body}) => body)).toEqual(['answer to who can']);
  expect(got.slice(-1)).toMatchObject([['ann', {question: 'who can', skills: ['sql', MARKER]}]]);
  expect(JSON.stringify(got)).not.toContain('for others');
  await ann.updateStatus(`busy with ${MARKER}`, {doing: MARKER});
  const shown = {agentId: 'ann', status: `busy with ${MARKER}`, doing: MARKER, skills: [MARKER]};
  expect(await bob.getActiveAgents()).toContainEqual(expect.objectContaining(shown));
  const closed = {agentId: 'ann', status: 'sealed', doing: null, skills: []};
  expect(await eve.getActiveAgents()).toContainEqual(expect.objectContaining(closed));
  // What is plain is heard by all; eve has heard nothing before.
  await eve.broadcast('plain');
  await until('bob hears what is plain', () => got.some(each => JSON.stringify(each) === '["eve","plain"]'));
  await ann.sendMessage('eve', MARKER);
  await eve.sendMessage('eve', 'last');
  await until('eve has heard the last', () => heard.length > 0);
  expect(heard).toMatchObject([{from: 'eve', body: 'last'}]);
  expect(traces(line.passed)).toEqual([]);
  expect(traces(hubFiles())).toEqual([]);
  expect(() => bob.document('plan')).toThrow(/there are none with endToEnd/);
  await expect(ann.updateStatus('x', {doing: 'x'.repeat(1900)})).rejects.toThrow(/bytes too long to be sealed/);
  await bob.shutdown();
});

test('a sealed message opens as what it was: from whom, to whom, of its kind, its id, and as answer to what', () => {
  const seal = tenantSeal('t1', {key: newKey()})!;
  const plain: HubMessage = {
    id: 'm1',
    from: 'ann',
    to: 'bob',
    topic: null,
    kind: 'message',
    body: {text: MARKER},
    priority: 'normal',
    correlationId: null,
    sentAtMs: 1,
  };
  const sealed = {...plain, body: sealBody(seal, plain)};
  expect(openMessage(seal, {...sealed, sentAtMs: 2, priority: 'high'})).toMatchObject({body: plain.body});
  for (const other of [
    {id: 'm2'},
    {from: 'eve'},
    {to: null},
    {kind: 'task_complete'},
    {topic: 't'},
    {correlationId: 'm0'},
  ]) {
    const changed = {...sealed, ...other} as HubMessage;
    expect(openMessage(seal, changed)).toBe(changed);
  }
  const elsewhere = tenantSeal('t2', {key: newKey()})!;
  expect(openMessage(elsewhere, sealed)).toBe(sealed);
  const agent = {agentId: 'ann', role: 'worker', sinceMs: 1, status: 'busy', doing: null, skills: ['a']} as const;
  const note = sealNote(seal, agent, 'ann');
  expect(openAgent(seal, {...agent, ...note})).toEqual(agent);
  expect(openAgent(seal, {...agent, ...note, agentId: 'eve'})).toMatchObject({status: 'sealed', skills: []});
});

test('a hub that puts in something of its own, or mixes what it has, is not believed', async () => {
  const key = newKey();
  const hub = new InProcessHub();
  const bare = hub.adapter({agentId: 'ann', tenantId: 't1', sessionId: null});
  const first = new FederationHub({agentId: 'ann', tenantId: 't1', hubAdapter: hub.adapter, endToEnd: {key}});
  open.add(first);
  await first.db.storeEpisode({task: 'first lesson', reward: 1});
  await first.db.storeEpisode({task: 'second lesson', reward: 1});
  await first.sync();
  await first.disconnect();
  await bare.connect();
  const {entries} = await bare.pull(0, 10);
  const [one, two] = entries;
  if (one?.kind !== 'episode' || two?.kind !== 'episode') throw new Error('two episodes were pushed');
  await bare.push([
    {kind: 'episode', episode: {...one.episode, id: 'moved'}},
    {kind: 'episode', episode: {...one.episode, id: 'mixed', task: two.episode.task}},
    {kind: 'episode', episode: {...one.episode, id: 'half', task: 'said by the hub'}},
  ]);
  const reader = new FederationHub({agentId: 'bob', tenantId: 't1', hubAdapter: hub.adapter, endToEnd: {key}});
  open.add(reader);
  await reader.sync();
  expect(await tasks(reader, 'first second lesson said by the hub')).toEqual(['first lesson', 'second lesson']);
  expect(reader.getSyncStats()).toMatchObject({sealed: 3, episodes: 2});
});

test('what was signed is signed again as the hub sees it, and what was not is not', async () => {
  const {publicKey, privateKey} = generateKeyPairSync('ed25519');
  const hub = new InProcessHub();
  const inner = hub.adapter({agentId: 'pi-07', tenantId: 't1', sessionId: null});
  const seal = tenantSeal('t1', {key: newKey()})!;
  const sign = (episode: Episode) => signEpisode(episode, {tenantId: 't1', privateKey});
  const sealing = new SealingHub(inner, {seal, agentId: 'pi-07', sign});
  await sealing.connect();
  await sealing.push([
    {kind: 'episode', episode: sign(sampleEpisode({id: 'signed'}))},
    {kind: 'episode', episode: sampleEpisode({id: 'bare'})},
  ]);
  const {entries} = await inner.pull(0, 10);
  const [signed, bare] = entries.map(entry => (entry.kind === 'episode' ? entry.episode : null));
  expect(verifyEpisode(signed!, {tenantId: 't1', publicKey})).toBe(true);
  expect(signed!.output).toMatch(/^godel-sealed:/);
  expect(bare!.signature).toBeNull();
  const unsigned = new SealingHub(inner, {seal, agentId: 'pi-07'});
  await unsigned.push([{kind: 'episode', episode: sign(sampleEpisode({id: 'other'}))}]);
  const last = (await inner.pull(2, 1)).entries[0];
  expect(last).toMatchObject({episode: {id: 'other', signature: null}});
});

test('what a hub recalls that is sealed is not shown, whatever hub it is', async () => {
  const hub = new InProcessHub();
  const ann = new FederationHub({agentId: 'ann', tenantId: 't1', hubAdapter: hub.adapter, endToEnd: {key: newKey()}});
  open.add(ann);
  await ann.db.storeEpisode({task: 'a sealed lesson', reward: 1});
  await ann.sync();
  const adapter = hub.adapter({agentId: 'bob', tenantId: 't1', sessionId: null});
  adapter.recall = async () => {
    const {entries} = await adapter.pull(0, 10);
    const none = {
      up: 0,
      down: 0,
      uses: 0,
      confirmed: 0,
      refuted: 0,
      tags: [],
      critique: null,
      standing: 'active',
    } as const;
    return entries.flatMap(entry =>
      entry.kind === 'episode' ? [{episode: entry.episode, state: none, score: 1}] : [],
    );
  };
  const bob = new FederationHub({agentId: 'bob', tenantId: 't1', hubAdapter: adapter});
  open.add(bob);
  await bob.connect();
  expect(await adapter.recall({query: 'lesson', k: 1})).toHaveLength(1);
  expect(await bob.db.queryMemories('lesson', 5, {from: 'hub'})).toEqual([]);
});

test('what cannot be opened is forgotten like all else when the cache is full', async () => {
  const hub = new InProcessHub();
  const writer = new FederationHub({
    agentId: 'ann',
    tenantId: 't1',
    hubAdapter: hub.adapter,
    endToEnd: {key: newKey()},
  });
  const reader = new FederationHub({agentId: 'bob', tenantId: 't1', hubAdapter: hub.adapter, limits: {episodes: 100}});
  open.add(writer).add(reader);
  await reader.sync();
  for (let number = 0; number < 300; number += 1) await writer.db.storeEpisode({task: `lesson ${number}`, reward: 1});
  await writer.sync();
  await until('bob has seen all', () => reader.getSyncStats().position === 300);
  const {sealed, episodes} = reader.getSyncStats();
  expect(episodes).toBe(0);
  expect(sealed).toBeGreaterThan(50);
  expect(sealed).toBeLessThanOrEqual(100);
});

test('a key is given as text, bytes, file or variable; what is none is refused without being repeated', async () => {
  const key = randomBytes(32);
  const file = join(folder, 'tenant.key');
  writeFileSync(file, `${key.toString('hex')}\n`, {mode: 0o600});
  process.env['GODEL_DOCSE2E_KEY'] = key.toString('base64');
  const ways: readonly EndToEndOptions['key'][] = [
    key,
    key.toString('hex').toUpperCase(),
    key.toString('base64'),
    key.toString('base64url'),
    {file},
    [{env: 'GODEL_DOCSE2E_KEY'}],
  ];
  const hub = new InProcessHub();
  const of = (given: EndToEndOptions['key'], agentId = 'bob') => {
    const made = new FederationHub({agentId, tenantId: 't1', hubAdapter: hub.adapter, endToEnd: {key: given}});
    open.add(made);
    return made;
  };
  const ann = of(key, 'ann');
  await ann.db.storeEpisode({task: 'the same key', reward: 1});
  await ann.sync();
  for (const way of ways) {
    const bob = of(way);
    await bob.sync();
    expect(bob.getSyncStats()).toMatchObject({sealed: 0, episodes: 1});
    await bob.close();
  }
  const refused = (given: unknown, message: RegExp) => {
    // What is no key, whatever the types say.
    expect(() => of(given as string)).toThrow(expect.objectContaining({code: 'bad-option'}));
    expect(() => of(given as string)).toThrow(message);
  };
  const secret = key.toString('hex').slice(1);
  refused(secret, /^endToEnd.key is no key: 32 random bytes/);
  expect(() => of(secret)).not.toThrow(new RegExp(secret));
  refused('0'.repeat(64), /is no key/);
  refused(key.subarray(1), /has 31 bytes: give 32/);
  refused([], /empty list/);
  refused({env: 'GODEL_DOCSE2E_NONE'}, /GODEL_DOCSE2E_NONE is not set/);
  refused({file: join(folder, 'none')}, /there is no file .*none; make one with openssl/);
  chmodSync(file, 0o644);
  refused({file}, /chmod 600/);
  delete process.env['GODEL_DOCSE2E_KEY'];
});

test('what would be too long sealed, or looks sealed already, is refused when it is stored', async () => {
  const ann = new FederationHub({
    agentId: 'ann',
    tenantId: 't1',
    hubAdapter: new InProcessHub().adapter,
    endToEnd: {key: newKey()},
  });
  open.add(ann);
  await expect(ann.db.storeEpisode({task: 'long', input: 'x'.repeat(250_000), reward: 1})).rejects.toMatchObject({
    code: 'bad-option',
    message: expect.stringMatching(/^input is too long to be sealed end to end: leave out \d+ bytes$/) as string,
  });
  await expect(ann.db.storeEpisode({task: 'godel-sealed:1:AAAA', reward: 1})).rejects.toMatchObject({
    code: 'bad-option',
  });
  const id = await ann.db.storeEpisode({task: 'fine', reward: 1});
  await expect(ann.db.criticise(id, 'godel-sealed:1:AAAA')).rejects.toMatchObject({code: 'bad-option'});
  expect(ann.getSyncStats().pending).toBe(1);
});
