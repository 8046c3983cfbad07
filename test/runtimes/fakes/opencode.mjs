#!/usr/bin/env node
// Prints what opencode 1.18 prints with `run --format json --print-logs`.
import {randomUUID} from 'node:crypto';
import {writeFileSync} from 'node:fs';
import {join} from 'node:path';

const args = process.argv.slice(2);
if (args[0] === '--version') {
  console.log('1.18.33');
  process.exit(0);
}
const option = name => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const act = process.env.GODEL_FAKE;
const print = line => process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);

let prompt = '';
for await (const chunk of process.stdin.setEncoding('utf8')) prompt += chunk;

const sessionID = option('--session') ?? `ses_${randomUUID().replaceAll('-', '')}`;
const event = (type, fields) => print({type, timestamp: Date.now(), sessionID, ...fields});
function step(parts, reason, cost = 0.0002175) {
  event('step_start', {part: {type: 'step-start'}});
  for (const part of parts) event(part.type === 'text' ? 'text' : 'tool_use', {part});
  const tokens = {total: 180, input: 100, output: 15, reasoning: 5, cache: {read: 50, write: 10}};
  event('step_finish', {part: {type: 'step-finish', reason, tokens, cost}});
}
const text = words => ({type: 'text', text: words});
const tool = (name, state) => ({type: 'tool', tool: name, callID: 'c1', state});
const finish = words => step([text(words)], 'stop');
const log = message =>
  console.error(
    `timestamp=2026-11-20T07:35:26.470Z level=ERROR run=1 message="stream error" providerID=x session.id=${sessionID} small=false agent=build mode=primary error.error="AI_APICallError: ${message}"`,
  );
function failed(statusCode, message, responseHeaders = {}) {
  log(message);
  event('error', {error: {name: 'APIError', data: {message, statusCode, isRetryable: true, responseHeaders}}});
  process.exitCode = 1;
}

switch (act) {
  case 'edit': {
    const files = [{filePath: join(process.cwd(), 'made.txt'), relativePath: 'made.txt', type: 'add'}];
    writeFileSync('made.txt', 'x');
    const state = {status: 'completed', input: {patchText: '*** Begin Patch'}, metadata: {files}};
    step([tool('apply_patch', state)], 'tool-calls');
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
    log('Rate limit reached for requests');
    failed(429, 'Rate limit reached for requests');
    break;
  case 'throttled-with-time':
    failed(429, 'Rate limit reached for requests', {'retry-after': '30'});
    break;
  case 'quota':
    failed(429, 'You exceeded your current quota, please check your plan and billing details.');
    break;
  case 'overloaded':
    log('Overloaded');
    failed(529, 'Overloaded');
    break;
  case 'auth':
    failed(401, 'Incorrect API key provided');
    break;
  case 'refused':
    step([], 'content-filter');
    break;
  case 'too-long':
    event('error', {error: {name: 'ContextOverflowError', data: {message: 'Your input is too much for this model.'}}});
    process.exitCode = 1;
    break;
  case 'crash':
    step([text('half')], 'tool-calls');
    process.stdout.write('{"type":"te', () => process.kill(process.pid, 'SIGKILL'));
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
    event('text', {part: text('half')});
    await new Promise(() => setInterval(() => undefined, 1000));
    break;
  case 'idle':
    finish('Nothing to do.');
    break;
  case 'denied': {
    const error = 'The user has specified a rule which prevents you from using this specific tool call.';
    step([tool('bash', {status: 'error', input: {command: 'npm publish'}, error})], 'tool-calls');
    finish('I was not allowed to.');
    break;
  }
}
