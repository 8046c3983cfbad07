#!/usr/bin/env node
// Prints what codex 0.169 prints with `exec --json`, and records its session as it does.
import {randomBytes} from 'node:crypto';
import {appendFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const args = process.argv.slice(2);
if (args[0] === '--version') {
  console.log('codex-cli 0.169.0');
  process.exit(0);
}
const act = process.env.GODEL_FAKE;
const print = line => process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
console.error('WARNING: proceeding, even though we could not create PATH aliases');

let prompt = '';
for await (const chunk of process.stdin.setEncoding('utf8')) prompt += chunk;

const sessions = join(process.env.CODEX_HOME, 'sessions');
const resumed = args.includes('resume') ? args[args.indexOf('resume') + 1] : null;
const id = resumed ?? newId();
const record = resumed === null ? newRecord() : oldRecord();
const total = totalIn(record);

function newId() {
  const time = Date.now().toString(16).padStart(12, '0');
  const rest = randomBytes(10).toString('hex');
  return `${time.slice(0, 8)}-${time.slice(8)}-7${rest.slice(0, 3)}-a${rest.slice(3, 6)}-${rest.slice(6, 18)}`;
}
function newRecord() {
  const now = new Date();
  const day = [now.getFullYear(), now.getMonth() + 1, now.getDate()].map(part => String(part).padStart(2, '0'));
  const folder = join(sessions, ...day);
  mkdirSync(folder, {recursive: true});
  const file = join(folder, `rollout-2026-01-01T00-00-00-${id}.jsonl`);
  writeFileSync(file, `${JSON.stringify({type: 'session_meta', payload: {id}})}\n`);
  return file;
}
function oldRecord() {
  const names = readdirSync(sessions, {recursive: true});
  return join(
    sessions,
    names.find(name => name.endsWith(`-${id}.jsonl`)),
  );
}
function totalIn(file) {
  const counts = readFileSync(file, 'utf8')
    .split('\n')
    .filter(line => line.includes('token_count'));
  const last = counts.at(-1);
  return last === undefined ? usage(0) : JSON.parse(last).payload.info.total_token_usage;
}
function usage(times) {
  return {
    input_tokens: 150 * times,
    cached_input_tokens: 50 * times,
    cache_write_input_tokens: 0,
    output_tokens: 20 * times,
    reasoning_output_tokens: 5 * times,
  };
}
function answered() {
  for (const [key, value] of Object.entries(usage(1))) total[key] += value;
  const payload = {type: 'token_count', info: {total_token_usage: total, last_token_usage: usage(1)}};
  appendFileSync(record, `${JSON.stringify({type: 'event_msg', payload})}\n`);
}
let items = 0;
function item(fields) {
  print({type: 'item.completed', item: {id: `item_${items++}`, ...fields}});
}
function finish(text) {
  answered();
  item({type: 'agent_message', text});
  completed();
}
function completed() {
  print({type: 'turn.completed', usage: total});
}
function failed(message) {
  print({type: 'error', message});
  print({type: 'turn.failed', error: {message}});
  process.exitCode = 1;
}
function retried(message) {
  for (let time = 1; time <= 5; time += 1) print({type: 'error', message: `Reconnecting... ${time}/5 (${message})`});
  failed(message);
}

if (act !== 'silent') {
  print({type: 'thread.started', thread_id: id});
  item({type: 'error', message: 'Model metadata not found. Defaulting to fallback metadata.'});
  print({type: 'turn.started'});
}
switch (act) {
  case 'edit': {
    const changes = [{path: join(process.cwd(), 'made.txt'), kind: 'add'}];
    answered();
    print({type: 'item.started', item: {id: 'item_1', type: 'file_change', changes, status: 'in_progress'}});
    writeFileSync('made.txt', 'x');
    item({type: 'file_change', changes, status: 'completed'});
    finish('Done.');
    break;
  }
  case 'echo':
    finish(prompt);
    break;
  case 'environment':
    finish(JSON.stringify(process.env));
    break;
  case 'throttled':
    retried('exceeded retry limit, last status: 429 Too Many Requests');
    break;
  case 'throttled-with-time':
    retried('Rate limit reached for gpt-5-mini on tokens per min (TPM). Please try again in 30s.');
    break;
  case 'quota':
    failed('Quota exceeded. Check your plan and billing details.');
    break;
  case 'overloaded':
    retried('unexpected status 503 Service Unavailable: The model is overloaded.');
    break;
  case 'auth':
    failed('unexpected status 401 Unauthorized: Incorrect API key provided.');
    break;
  case 'refused':
    answered();
    completed();
    break;
  case 'too-long':
    failed("Codex ran out of room in the model's context window. Start a new thread.");
    break;
  case 'crash':
    answered();
    item({type: 'agent_message', text: 'half'});
    process.stdout.write('{"type":"item.comp', () => process.kill(process.pid, 'SIGKILL'));
    await new Promise(() => setInterval(() => undefined, 1000));
    break;
  case 'garbage':
    print('(node:1) Warning: something');
    print('');
    print('{"type": broken}');
    print('[1]');
    finish('Done.');
    break;
  case 'split':
    finish('Grüße – 日本語 🎉\u2028end');
    break;
  case 'hang':
    item({type: 'agent_message', text: 'half'});
    await new Promise(() => setInterval(() => undefined, 1000));
    break;
  case 'idle':
    finish('Nothing to do.');
    break;
  case 'denied':
    answered();
    item({type: 'command_execution', command: 'npm publish', aggregated_output: '', status: 'declined'});
    finish('I was not allowed to.');
    break;
}
