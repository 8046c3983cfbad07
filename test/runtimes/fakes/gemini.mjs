#!/usr/bin/env node
// Prints what gemini 0.61 prints with `-o stream-json`, and remembers its sessions as it does.
import {randomUUID} from 'node:crypto';
import {existsSync, mkdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const args = process.argv.slice(2);
if (args[0] === '--version') {
  console.log('0.61.0');
  process.exit(0);
}
const option = name => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const act = process.env.GODEL_FAKE;
const model = option('-m');
const print = line => process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
if (!existsSync(option('--policy'))) process.exit(52);

let prompt = '';
for await (const chunk of process.stdin.setEncoding('utf8')) prompt += chunk;
// A command of its own, not a prompt.
if (prompt.startsWith('/')) process.exit(42);

const home = join(process.env.HOME, '.gemini');
const chats = join(home, 'tmp', 'project', 'chats');
const resumed = option('--resume');
if (resumed !== undefined && !existsSync(join(chats, `session-2026-${resumed.slice(0, 8)}.jsonl`))) process.exit(42);
const id = resumed ?? randomUUID();
mkdirSync(chats, {recursive: true});
writeFileSync(join(home, 'projects.json'), JSON.stringify({projects: {[process.cwd()]: 'project'}}));
writeFileSync(join(chats, `session-2026-${id.slice(0, 8)}.jsonl`), readOr(''));
function readOr(text) {
  const file = join(chats, `session-2026-${id.slice(0, 8)}.jsonl`);
  return existsSync(file) ? readFileSync(file, 'utf8') : text;
}

let requests = 0;
function stats() {
  const counts = {
    total_tokens: 175 * requests,
    input_tokens: 150 * requests,
    output_tokens: 15 * requests,
    cached: 50 * requests,
    input: 100 * requests,
  };
  return {...counts, duration_ms: 1, tool_calls: 0, models: {[model]: counts}};
}
/** A message comes in pieces. */
function say(text) {
  requests += 1;
  const middle = Math.floor(text.length / 2);
  for (const content of [text.slice(0, middle), text.slice(middle)]) {
    print({type: 'message', role: 'assistant', content, delta: true});
  }
}
function finish(text) {
  say(text);
  print({type: 'result', status: 'success', stats: stats()});
}
function failed(status, message, report = '') {
  console.error(
    `Error when talking to Gemini API Full report available at: /tmp/x.json _ApiError: ${message}${report}`,
  );
  console.error(`  status: ${status}\n}`);
  print({
    type: 'result',
    status: 'error',
    error: {type: 'unknown', message: `[API Error: ${message}]`},
    stats: stats(),
  });
  process.exitCode = status & 255;
}
const EXHAUSTED = 'Resource has been exhausted (e.g. check quota).';
function tool(name, parameters, outcome) {
  requests += 1;
  print({type: 'tool_use', tool_name: name, tool_id: 'call_1', parameters});
  print({type: 'tool_result', tool_id: 'call_1', ...outcome});
}

if (act !== 'silent') {
  print({type: 'init', session_id: id, model});
  print({type: 'message', role: 'user', content: prompt});
}
switch (act) {
  case 'edit':
    writeFileSync('made.txt', 'x');
    tool('write_file', {file_path: join(process.cwd(), 'made.txt'), content: 'x'}, {status: 'success'});
    finish('Done.');
    break;
  case 'echo':
    finish(prompt);
    break;
  case 'environment':
    finish(JSON.stringify(process.env));
    break;
  case 'throttled':
    console.error(
      `Attempt 1 failed with status 429. Retrying with backoff... _ApiError: {"error":{"code":429,"message":"${EXHAUSTED}"}}`,
    );
    failed(429, EXHAUSTED);
    break;
  case 'throttled-with-time':
    console.error(`Attempt 1 failed: ${EXHAUSTED}\nSuggested retry after 30s.. Retrying after 30087ms...`);
    failed(429, `${EXHAUSTED}\nSuggested retry after 30s.`, '\n  retryDelayMs: 30000,');
    break;
  case 'quota':
    failed(429, 'You have exhausted your daily quota on this model.', ' TerminalQuotaError');
    break;
  case 'overloaded':
    console.error('Attempt 1 failed with status 503. Retrying with backoff... _ApiError: {"error":{"code":503}}');
    failed(503, 'The model is overloaded. Please try again later.');
    break;
  case 'auth':
    console.error('Invalid auth method selected.');
    process.exitCode = 41;
    break;
  case 'refused':
    requests += 1;
    print({type: 'error', severity: 'error', message: 'The model response was blocked due to safety settings.'});
    print({type: 'result', status: 'error', stats: stats()});
    break;
  case 'too-long':
    failed(400, 'The input token count exceeds the maximum number of tokens allowed.');
    break;
  case 'crash':
    say('half');
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
    say('half');
    await new Promise(() => setInterval(() => undefined, 1000));
    break;
  case 'idle':
    finish('Nothing to do.');
    break;
  case 'denied':
    tool('run_shell_command', {command: 'npm publish'}, {status: 'error', error: {type: 'policy_violation'}});
    finish('I was not allowed to.');
    break;
}
