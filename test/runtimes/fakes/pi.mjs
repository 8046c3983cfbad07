#!/usr/bin/env node
// Prints what pi 0.74.2 prints with `-p --mode json`.
import {randomUUID} from 'node:crypto';
import {mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const args = process.argv.slice(2);
if (args[0] === '--version') {
  console.log('0.74.2');
  process.exit(0);
}
const option = name => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const act = process.env.GODEL_FAKE;
const cwd = process.cwd();
const print = line => process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);

let prompt = '';
for await (const chunk of process.stdin.setEncoding('utf8')) prompt += chunk;

const [provider, model] = (option('--model') ?? 'anthropic/claude-haiku-4-5').split('/');
const old = option('--session');
const header = old === undefined ? null : JSON.parse(readFileSync(old, 'utf8').split('\n')[0]);
const id = header?.id ?? randomUUID();
const start = {type: 'session', version: 3, id, timestamp: '2026-05-21T00:00:00.000Z', cwd};
if (header === null) {
  const folder = join(process.env.PI_CODING_AGENT_DIR, 'sessions', `-${cwd.replaceAll('/', '-')}--`);
  mkdirSync(folder, {recursive: true});
  writeFileSync(join(folder, `2026-05-21T00-00-00-000Z_${id}.jsonl`), `${JSON.stringify(start)}\n`);
}

function usageOf(input, output, cacheRead, cacheWrite) {
  const total = (input * 1 + output * 5 + cacheRead * 0.1 + cacheWrite * 1.25) / 1e6;
  return {input, output, cacheRead, cacheWrite, cost: {total: model === 'free' ? 0 : total}};
}
function say(content, {stopReason = 'stop', errorMessage, usage = usageOf(100, 20, 50, 10)} = {}) {
  const message = {
    role: 'assistant',
    content,
    provider,
    model,
    usage,
    stopReason,
    ...(errorMessage ? {errorMessage} : {}),
  };
  print({type: 'message_start', message: {...message, content: [], usage: usageOf(100, 1, 50, 10)}});
  print({type: 'message_update', message, assistantMessageEvent: {type: 'text_delta', delta: 'never read'}});
  print({type: 'message_end', message});
  print({type: 'turn_end', message, toolResults: []});
}
const finish = text => say([{type: 'text', text}]);
const failed = errorMessage => say([], {stopReason: 'error', errorMessage, usage: usageOf(0, 0, 0, 0)});
const apiError = (status, type, message) => `${status} ${JSON.stringify({type: 'error', error: {type, message}})}`;
function retried(error) {
  failed(error);
  print({type: 'auto_retry_start', attempt: 1, maxAttempts: 3, delayMs: 2000, errorMessage: error});
  failed(error);
  print({type: 'auto_retry_end', success: false, attempt: 1, finalError: error});
}
function tool(name, toolArgs, result, isError = false) {
  say([{type: 'toolCall', id: 'toolu_1', name, arguments: toolArgs}], {stopReason: 'toolUse'});
  print({type: 'tool_execution_start', toolCallId: 'toolu_1', toolName: name, args: toolArgs});
  const content = [{type: 'text', text: result}];
  print({type: 'tool_execution_end', toolCallId: 'toolu_1', toolName: name, result: {content}, isError});
}

print(start);
print({type: 'agent_start'});
print({type: 'turn_start'});
const user = {role: 'user', content: [{type: 'text', text: prompt}]};
print({type: 'message_end', message: user});
switch (act) {
  case 'edit':
    tool('write', {path: 'made.txt', content: 'x'}, 'Successfully wrote 1 bytes to made.txt');
    writeFileSync('made.txt', 'x');
    finish('Done.');
    break;
  case 'echo':
    finish(prompt);
    break;
  case 'environment':
    finish(JSON.stringify(process.env));
    break;
  case 'throttled':
    retried(apiError(429, 'rate_limit_error', 'slow down'));
    break;
  case 'throttled-with-time':
    retried(apiError(429, 'rate_limit_error', 'Rate limit reached. Please try again in 30s.'));
    break;
  case 'quota':
    failed(apiError(400, 'invalid_request_error', 'Your credit balance is too low to access the Anthropic API.'));
    break;
  case 'overloaded':
    retried(apiError(529, 'overloaded_error', 'Overloaded'));
    break;
  case 'auth':
    failed(apiError(401, 'authentication_error', 'invalid x-api-key'));
    break;
  case 'refused':
    say([{type: 'text', text: 'I cannot'}], {stopReason: 'error', errorMessage: 'An unknown error occurred'});
    break;
  case 'too-long':
    failed(apiError(400, 'invalid_request_error', 'prompt is too long: 250000 tokens > 200000 maximum'));
    break;
  case 'crash':
    finish('half');
    process.stdout.write('{"type":"mess', () => process.kill(process.pid, 'SIGKILL'));
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
    finish('half');
    await new Promise(() => setInterval(() => undefined, 1000));
    break;
  case 'idle':
    finish('Nothing to do.');
    break;
  case 'silent':
    break;
  case 'denied':
    tool('bash', {command: 'npm publish'}, 'Not allowed by godel: `npm publish` (--allow bash:PATTERN)', true);
    finish('I was not allowed to.');
    break;
}
print({type: 'agent_end', messages: []});
