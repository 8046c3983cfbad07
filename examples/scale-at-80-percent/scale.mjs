import assert from 'node:assert/strict';
import {scrypt} from 'node:crypto';
import {EventEmitter, once} from 'node:events';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {createRealtimeHub} from 'godel';
import {FederationHubServer} from 'godel/hub';

const TASKS = Number(process.argv[2] ?? process.env.TASKS ?? 40);
const MIN = Number(process.env.MIN ?? 2);
const MAX = Number(process.env.MAX ?? 8);
const BUSY_SHARE = 0.8;
const TENANT = 'foundry';
const PATIENCE_MS = 60_000;

assert.ok(MIN >= 2 && MAX > MIN && TASKS > 5 * MIN, 'MIN must be at least 2, MAX above MIN, TASKS above 5 times MIN');
/** At first tasks come a few at a time, which keeps less than 80 % of MIN agents busy; after so many, all others at once. */
const FEW = Math.ceil(MIN * BUSY_SHARE) - 1;
const QUIET = Math.ceil(TASKS / 5);
const derive = promisify(scrypt);
const folder = mkdtempSync(join(tmpdir(), 'godel-scale-'));
const server = new FederationHubServer({port: 0, dbPath: join(folder, 'hub.db'), embedder: {kind: 'hashed'}});
const closing = [];
try {
  await server.start();
  const workers = await openPool();
  const seen = await coordinate();
  await check(seen, workers);
} finally {
  for (const close of closing.reverse()) await close();
  await server.stop();
  rmSync(folder, {recursive: true, force: true});
}

/** Starts and ends workers as the coordinator asks; answers those there are. */
async function openPool() {
  const workers = new Map();
  let count = 0;
  const talk = await enlist('pool', 'worker');
  talk.on('message:received', async ({kind, body}) => {
    if (kind !== 'message') return;
    if (body.do === 'add') {
      for (let left = body.count; left > 0; left -= 1) {
        count += 1;
        const id = `worker-${count}`;
        workers.set(id, await startWorker(id));
      }
      return;
    }
    const worker = workers.get(body.agentId);
    workers.delete(body.agentId);
    await worker?.shutdown();
  });
  return workers;
}

/** Does one task at a time, and says so: busy, then idle. */
async function startWorker(id) {
  const talk = await enlist(id, 'worker', ['derive']);
  talk.on('message:task_assignment', async ({taskId, data, message}) => {
    await talk.updateStatus('busy', {doing: taskId});
    const key = await derive(data.password, data.salt, 32, {N: 2 ** 14});
    await talk.reportTaskComplete(message.from, {taskId, success: true, result: key.toString('hex')});
    await talk.updateStatus('idle');
  });
  await talk.updateStatus('idle');
  return talk;
}

/** Gives out tasks, asks for more agents while 80 % are busy, and lets them go when there is nothing to do. */
async function coordinate() {
  const talk = await enlist('coordinator', 'coordinator');
  const later = Array.from({length: TASKS}, (_, number) => ({taskId: `task-${number}`, data: taskOf(number)}));
  const waiting = later.splice(0, FEW);
  const results = new Map();
  /** What each worker has said of itself; those that were asked to go are not counted any more. */
  const busy = new Map();
  const log = [];
  let coming = 0;
  let over = false;
  const end = new EventEmitter();

  const working = () => [...busy.values()].filter(Boolean).length;
  const ask = async count => {
    coming += count;
    log.push({kind: 'add', working: working(), agents: busy.size, count, done: results.size});
    console.log(`${working()} of ${busy.size} agents are busy: ${count} more`);
    await talk.sendMessage('pool', {do: 'add', count}, {priority: 'high'});
  };
  const look = async () => {
    const idle = [...busy].filter(([, isBusy]) => !isBusy).map(([agentId]) => agentId);
    for (const agentId of idle) {
      const task = waiting.shift();
      if (task !== undefined) {
        busy.set(agentId, true);
        await talk.assignTask(agentId, {description: 'derive a key', ...task});
      } else if (busy.size > MIN) {
        busy.delete(agentId);
        log.push({kind: 'remove', agents: busy.size});
        console.log(`${agentId} is idle and there is nothing to do: ${busy.size} stay`);
        await talk.sendMessage('pool', {do: 'remove', agentId});
      }
    }
    const isMore = waiting.length + later.length > 0;
    const room = MAX - busy.size;
    if (isMore && coming === 0 && room > 0 && working() >= BUSY_SHARE * busy.size) await ask(Math.min(room, busy.size));
    if (!over && results.size === TASKS && working() === 0 && busy.size === MIN && coming === 0) {
      over = true;
      end.emit('over');
    }
  };
  // One look after the other, so that nobody is given two tasks.
  let looking = Promise.resolve();
  const lookSoon = () => (looking = looking.then(look));
  talk.on('message:task_complete', ({taskId, result}) => {
    results.set(taskId, [...(results.get(taskId) ?? []), result]);
    const quietLeft = QUIET - (TASKS - later.length);
    waiting.push(...later.splice(0, results.size < QUIET ? Math.min(1, quietLeft) : later.length));
  });
  talk.on('message:status_update', ({status, message: {from}}) => {
    if (!busy.has(from)) {
      // A newcomer, or one that has been let go and said something before it knew.
      if (coming === 0) return;
      coming -= 1;
    }
    busy.set(from, status === 'busy');
    lookSoon();
  });
  const finished = once(end, 'over', {signal: AbortSignal.timeout(PATIENCE_MS)});
  await ask(MIN);
  await finished;
  await looking;
  return {results, log};
}

async function check({results, log}, workers) {
  assert.equal(results.size, TASKS, 'every task was done');
  for (const [taskId, [key, ...again]] of results) {
    assert.equal(again.length, 0, `${taskId} was done once`);
    const {password, salt} = taskOf(Number(taskId.split('-')[1]));
    assert.equal(key, (await derive(password, salt, 32, {N: 2 ** 14})).toString('hex'), `${taskId} was done right`);
  }
  const [first, ...more] = log.filter(({kind}) => kind === 'add');
  assert.equal(first.count, MIN);
  assert.ok(
    more.length > 0 && more.every(({working, agents}) => working >= BUSY_SHARE * agents),
    'more were asked for at 80 % busy only',
  );
  const most = Math.max(...log.filter(({kind}) => kind === 'add').map(({agents, count}) => agents + count));
  assert.ok(most > MIN && most <= MAX, 'the team has grown, and not beyond its limit');
  await until(() => workers.size === MIN && server.getStats().agents === MIN + 2, 'those that were let go have left');
  console.log(`ok: ${TASKS} tasks, from ${MIN} to ${most} agents and back`);
}

function taskOf(number) {
  return {password: `secret ${number}`, salt: `salt ${number}`};
}

async function enlist(agentId, role, skills = []) {
  const endpoint = `ws://127.0.0.1:${server.address.port}`;
  const token = await server.security.generateToken(agentId, TENANT, {role});
  const talk = createRealtimeHub(agentId, TENANT, {endpoint, token, skills});
  closing.push(() => talk.shutdown());
  await talk.connect();
  return talk;
}

async function until(holds, what) {
  const deadlineMs = performance.now() + PATIENCE_MS;
  while (!holds()) {
    assert.ok(performance.now() < deadlineMs, what);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
