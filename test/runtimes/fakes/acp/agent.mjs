// An agent of the Agent Client Protocol, made with the agent's side of its SDK.
import {randomUUID} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {Readable, Writable} from 'node:stream';
import {RequestError, agent, methods, ndJsonStream} from '@agentclientprotocol/sdk';

const act = process.env.GODEL_FAKE;
const folder = join(process.env.HOME, '.fake-agent');
mkdirSync(folder, {recursive: true});
const fileOf = sessionId => join(folder, `${sessionId}.json`);
const COST = 0.0002175;

const cancelled = {};
cancelled.promise = new Promise(resolve => {
  cancelled.resolve = resolve;
});
let requests = 0;
let before = 0;
let model = 'first';

const app = agent({name: 'fake'})
  .onRequest(methods.agent.initialize, () => ({
    protocolVersion: 1,
    agentInfo: {name: 'fake-agent', version: '1.0.0'},
    agentCapabilities: {loadSession: true, sessionCapabilities: {resume: {}}},
  }))
  .onRequest(methods.agent.session.new, () => {
    const sessionId = randomUUID();
    writeFileSync(fileOf(sessionId), '0');
    return {sessionId, modes: modes(), configOptions: settings()};
  })
  .onRequest(methods.agent.session.resume, async ({params, client}) => {
    const {sessionId} = params;
    if (!existsSync(fileOf(sessionId))) throw new RequestError(-32002, 'Resource not found');
    before = Number(readFileSync(fileOf(sessionId), 'utf8'));
    await update(client, sessionId, cost());
    return {modes: modes(), configOptions: settings()};
  })
  .onRequest(methods.agent.session.setMode, () => ({}))
  .onRequest(methods.agent.session.setConfigOption, ({params}) => {
    if (params.value === 'unknown') throw RequestError.invalidParams({details: 'no such model'});
    model = params.value;
    return {configOptions: settings()};
  })
  .onNotification(methods.agent.session.cancel, () => cancelled.resolve('cancelled'))
  .onRequest(methods.agent.session.prompt, async ({params, client, signal}) => {
    const {sessionId} = params;
    const stopReason = await turn({sessionId, client, signal, prompt: params.prompt[0].text});
    writeFileSync(fileOf(sessionId), String(before + requests * COST));
    await update(client, sessionId, cost());
    return {stopReason, usage: usage()};
  });

function modes() {
  const ids = ['read-only', 'default', 'everything'];
  return {currentModeId: 'everything', availableModes: ids.map(id => ({id, name: id}))};
}
function settings() {
  const options = [model, 'small'].map(value => ({value, name: value}));
  return [{type: 'select', id: 'the-model', name: 'Model', category: 'model', currentValue: model, options}];
}
function usage() {
  return {
    totalTokens: 180 * requests,
    inputTokens: 100 * requests,
    outputTokens: 20 * requests,
    cachedReadTokens: 50 * requests,
    cachedWriteTokens: 10 * requests,
  };
}
function cost() {
  const amount = before + requests * COST;
  return {sessionUpdate: 'usage_update', used: 100, size: 200_000, cost: {amount, currency: 'USD'}};
}
const update = (client, sessionId, fields) => client.notify(methods.client.session.update, {sessionId, update: fields});

async function turn({sessionId, client, prompt}) {
  const say = async text => {
    requests += 1;
    const middle = Math.floor(text.length / 2);
    for (const piece of [text.slice(0, middle), text.slice(middle)]) {
      await update(client, sessionId, {sessionUpdate: 'agent_message_chunk', content: {type: 'text', text: piece}});
    }
    return 'end_turn';
  };
  const ask = async toolCall => {
    requests += 1;
    await update(client, sessionId, {sessionUpdate: 'tool_call', status: 'pending', ...toolCall});
    const options = [
      {optionId: 'always', name: 'Always', kind: 'allow_always'},
      {optionId: 'once', name: 'Once', kind: 'allow_once'},
      {optionId: 'no', name: 'No', kind: 'reject_once'},
    ];
    const answer = await client.request(methods.client.session.requestPermission, {sessionId, toolCall, options});
    const granted = answer.outcome.optionId === 'once';
    const status = granted ? 'completed' : 'failed';
    return {
      granted,
      done: () =>
        update(client, sessionId, {sessionUpdate: 'tool_call_update', toolCallId: toolCall.toolCallId, status}),
    };
  };
  switch (act) {
    case 'edit': {
      const path = join(process.cwd(), 'made.txt');
      const content = [{type: 'diff', path, oldText: null, newText: 'x'}];
      const {granted, done} = await ask({toolCallId: 'c1', title: 'Write made.txt', kind: 'edit', content});
      if (granted) writeFileSync(path, 'x');
      await done();
      return say('Done.');
    }
    case 'echo':
      return say(prompt);
    case 'environment':
      return say(JSON.stringify(process.env));
    case 'throttled':
      throw new RequestError(429, 'Resource has been exhausted (e.g. check quota).');
    case 'throttled-with-time':
      throw new RequestError(-32603, 'Internal error: Rate limit reached. Please try again in 30s.');
    case 'quota':
      throw new RequestError(-32603, 'Internal error', {details: 'Your credit balance is too low.'});
    case 'overloaded':
      throw new RequestError(-32603, 'Internal error: 529 Overloaded');
    case 'auth':
      throw RequestError.authRequired();
    case 'refused':
      return 'refusal';
    case 'too-long':
      throw new RequestError(-32603, 'Internal error: prompt is too long: 250000 tokens > 200000 maximum');
    case 'crash':
      await say('half');
      process.kill(process.pid, 'SIGKILL');
      return new Promise(() => undefined);
    case 'garbage':
      process.stdout.write('(node:1) Warning: something\n\n{"type": broken}\n[1]\n');
      return say('Done.');
    case 'split':
      return say('Grüße – 日本語 🎉\u2028end');
    case 'hang':
      return new Promise(() => undefined);
    case 'idle':
      return say('Nothing to do.');
    case 'silent':
      return 'end_turn';
    case 'model':
      return say(model);
    case 'disguise': {
      const wrong = {codex: {threadStatus: {type: 'systemError'}}};
      await update(client, sessionId, {sessionUpdate: 'session_info_update', _meta: wrong});
      return say('exceeded retry limit, last status: 429 Too Many Requests');
    }
    case 'wait': {
      const call = {toolCallId: 'c1', title: 'Think', kind: 'think', status: 'in_progress'};
      await update(client, sessionId, {sessionUpdate: 'tool_call', ...call});
      return cancelled.promise;
    }
    case 'denied': {
      const call = {toolCallId: 'c1', title: 'npm publish', kind: 'execute', rawInput: {command: 'npm publish'}};
      const {done} = await ask(call);
      await done();
      return say('I was not allowed to.');
    }
    default:
      throw new Error(`nobody knows how to act out ${act}`);
  }
}

// It stays after its answer, as agents do, until its input ends.
process.stdin.once('end', () => process.exit(0));
app.connect(ndJsonStream(Writable.toWeb(process.stdout), Readable.toWeb(process.stdin)));
