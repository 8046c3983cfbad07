#!/usr/bin/env node
// An agent of somebody's own: `homemade [--model M] [--session ID] [--json | --lines] [PROMPT]`, or the prompt on standard input.
import {readFileSync, writeFileSync} from 'node:fs';

const args = process.argv.slice(2);
const take = name => {
  const at = args.indexOf(name);
  return at < 0 ? undefined : args.splice(at, 2)[1];
};
const flag = name => {
  const at = args.indexOf(name);
  if (at >= 0) args.splice(at, 1);
  return at >= 0;
};
const act = process.env.GODEL_FAKE;
const session = take('--session') ?? 'home-1';
const model = take('--model') ?? 'none';
const form = flag('--json') ? 'json' : flag('--lines') ? 'lines' : 'text';

let prompt = args[0];
if (prompt === undefined) {
  prompt = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) prompt += chunk;
}
const file = /stands in the file (\S+)\. Read/.exec(prompt)?.[1];
if (file !== undefined) prompt = readFileSync(file, 'utf8');

function finish(text, error) {
  if (form === 'text') {
    process.stdout.write(`${error ?? text}\n`);
    if (error !== undefined) process.exitCode = 3;
    return;
  }
  const usage = {input: 100, output: 20, cost: 0.0002};
  const facts = {
    reply: {text},
    conversation: session,
    model,
    usage,
    ...(error === undefined ? {} : {error: {message: error}}),
  };
  process.stdout.write(`${JSON.stringify(facts)}\n`);
}

if (form === 'lines' && act === 'edit')
  process.stdout.write(`${JSON.stringify({conversation: session, usage: {input: 1, output: 1}})}\n`);
switch (act) {
  case 'edit':
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
    finish('', 'HTTP 429 Too Many Requests');
    break;
  case 'throttled-with-time':
    finish('', 'rate limit reached, please try again in 30s');
    break;
  case 'quota':
    finish('', 'insufficient_quota: you exceeded your current quota');
    break;
  case 'overloaded':
    finish('', 'the model is overloaded');
    break;
  case 'auth':
    finish('', 'Invalid API key');
    break;
  case 'refused':
    finish('', 'stopped: refusal');
    break;
  case 'too-long':
    finish('', 'context_length_exceeded');
    break;
  case 'crash':
    process.stdout.write('{"reply', () => process.kill(process.pid, 'SIGKILL'));
    await new Promise(() => setInterval(() => undefined, 1000));
    break;
  case 'garbage':
    process.stdout.write('(node:1) Warning: something\n\n{"type": broken}\n[1]\n');
    finish('Done.');
    break;
  case 'split':
    finish('Grüße – 日本語 🎉\u2028end');
    break;
  case 'hang':
    await new Promise(() => setInterval(() => undefined, 1000));
    break;
  case 'idle':
    finish('Nothing to do.');
    break;
  case 'silent':
    break;
}
