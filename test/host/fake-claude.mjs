#!/usr/bin/env node
// Speaks as `claude -p --output-format stream-json` does and does what the steps say that stand as a JSON array in its prompt.
import {randomUUID} from 'node:crypto';
import {spawn} from 'node:child_process';
import {existsSync, mkdirSync, readFileSync, renameSync, writeFileSync, writeSync} from 'node:fs';
import {dirname} from 'node:path';

if (process.argv[2] === '--version') {
  console.log('2.1.3 (Claude Code)');
  process.exit(0);
}

const MODEL = 'claude-haiku-4-5';
const session = process.argv.includes('--session-id')
  ? process.argv[process.argv.indexOf('--session-id') + 1]
  : randomUUID();
const denials = [];
let lastText = '';
let used = {input_tokens: 0, output_tokens: 0};

function print(text) {
  const bytes = Buffer.from(text);
  for (let offset = 0; offset < bytes.length; ) {
    try {
      offset += writeSync(1, bytes, offset);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

/** Who waits for the file finds it complete. */
function put(file, text) {
  writeFileSync(`${file}.new`, text);
  renameSync(`${file}.new`, file);
}

const line = value => print(`${JSON.stringify(value)}\n`);
const assistant = content =>
  line({type: 'assistant', message: {model: MODEL, content: [content]}, session_id: session});

const actions = {
  say: text => {
    lastText = text;
    assistant({type: 'text', text});
  },
  use: ({input, output}) => {
    used = {input_tokens: used.input_tokens + input, output_tokens: used.output_tokens + output};
    line({type: 'stream_event', event: {type: 'message_start', message: {model: MODEL, usage: {input_tokens: input}}}});
    line({type: 'stream_event', event: {type: 'message_delta', usage: {output_tokens: output}}});
  },
  write: files => {
    for (const [path, text] of Object.entries(files)) {
      const id = randomUUID();
      assistant({type: 'tool_use', id, name: 'Write', input: {file_path: `${process.cwd()}/${path}`}});
      mkdirSync(dirname(path), {recursive: true});
      writeFileSync(path, text);
      line({type: 'user', message: {content: [{type: 'tool_result', tool_use_id: id}]}});
    }
  },
  retry: ({status, delay}) =>
    line({
      type: 'system',
      subtype: 'api_retry',
      error_status: status,
      retry_delay_ms: delay,
      error: `status ${status}`,
    }),
  deny: command => denials.push({tool_name: 'Bash', tool_use_id: randomUUID(), tool_input: {command}}),
  print,
  complain: text => writeSync(2, text),
  // A child in a session of its own that writes again and again where we work; its pid is in the file.
  stray: file => {
    const script = `setInterval(() => require('fs').writeFileSync('stray.txt', String(Math.random())), 5)`;
    const child = spawn(process.execPath, ['-e', script], {detached: true, stdio: 'ignore'});
    child.unref();
    put(file, String(child.pid));
  },
  environment: file => put(file, JSON.stringify(process.env)),
  arguments: file => put(file, JSON.stringify(process.argv.slice(2))),
  started: file => put(file, String(process.pid)),
  waitFor: async file => {
    while (!existsSync(file)) await new Promise(resolve => setTimeout(resolve, 10));
  },
  hang: how => {
    if (how === 'stubborn') process.on('SIGTERM', () => {});
    return new Promise(() => setInterval(() => {}, 1000));
  },
};

const prompt = readFileSync(0, 'utf8');
const steps = JSON.parse(prompt.slice(prompt.indexOf('[')));
line({type: 'system', subtype: 'init', session_id: session, model: MODEL});
let result = {};
let exitCode = 0;
for (const step of steps) {
  for (const [name, input] of Object.entries(step)) {
    if (name === 'result') result = input;
    else if (name === 'exit') exitCode = input;
    else await actions[name](input);
  }
}
line({
  type: 'result',
  subtype: 'success',
  is_error: false,
  result: lastText,
  session_id: session,
  usage: used,
  permission_denials: denials,
  ...result,
});
process.exitCode = exitCode;
