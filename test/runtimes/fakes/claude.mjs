#!/usr/bin/env node
// Prints what Claude Code 2.1.328 prints with `-p --output-format stream-json --verbose --include-partial-messages`.
import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';

const args = process.argv.slice(2);
if (args[0] === '--version') {
  console.log('2.1.328 (Claude Code)');
  process.exit(0);
}
const option = name => (args.includes(name) ? args[args.indexOf(name) + 1] : undefined);
const act = process.env.GODEL_FAKE;
const cwd = process.cwd();
const config = process.env.CLAUDE_CONFIG_DIR;
const session = option('--resume') ?? option('--session-id');
const model = option('--model') ?? 'claude-haiku-4-5';
const print = line => process.stdout.write(`${typeof line === 'string' ? line : JSON.stringify(line)}\n`);
const mark = {session_id: session, uuid: '0'};

let prompt = '';
for await (const chunk of process.stdin.setEncoding('utf8')) prompt += chunk;
if (prompt === '') {
  console.error('Error: Input must be provided either through stdin or as a prompt argument when using --print');
  process.exit(1);
}
const project = join(config, 'projects', cwd.replaceAll(/[^A-Za-z0-9]/g, '-'));
mkdirSync(project, {recursive: true});
writeFileSync(join(project, `${session}.jsonl`), `${JSON.stringify({sessionId: session, cwd})}\n`, {flag: 'a'});

let requests = 0;
function say(content) {
  requests += 1;
  const id = `msg_${requests}`;
  const usage = {input_tokens: 100, output_tokens: 1, cache_read_input_tokens: 50, cache_creation_input_tokens: 10};
  const event = inner => print({type: 'stream_event', event: inner, ...mark, parent_tool_use_id: null});
  event({type: 'message_start', message: {id, type: 'message', role: 'assistant', model, content: [], usage}});
  event({type: 'content_block_delta', index: 0, delta: {type: 'text_delta', text: 'never read'}});
  for (const block of content) {
    const message = {id, type: 'message', role: 'assistant', model, content: [block], stop_reason: null, usage};
    print({type: 'assistant', message, parent_tool_use_id: null, ...mark});
  }
  event({type: 'message_delta', delta: {stop_reason: 'end_turn'}, usage: {output_tokens: 20}});
}
const answered = (id, failed) => {
  const block = {type: 'tool_result', tool_use_id: id, content: 'x', ...(failed ? {is_error: true} : {})};
  print({type: 'user', message: {role: 'user', content: [block]}, ...mark});
};
function result(fields) {
  const used = {
    inputTokens: 100 * requests,
    outputTokens: 20 * requests,
    cacheReadInputTokens: 50 * requests,
    cacheCreationInputTokens: 10 * requests,
    costUSD: 0.0002175 * requests,
    costBasis: model.startsWith('claude-') ? 'list' : 'unknown',
  };
  // As after a resume: the totals are of the whole conversation.
  const whole = Object.fromEntries(
    Object.entries(used).map(([key, value]) => [key, key === 'costBasis' ? value : value * 7]),
  );
  print({
    subtype: 'success',
    is_error: false,
    stop_reason: 'end_turn',
    total_cost_usd: whole.costUSD,
    modelUsage: requests === 0 ? {} : {[model]: whole},
    model_usage_since_last_result: requests === 0 ? {} : {[model]: used},
    permission_denials: [],
    terminal_reason: 'completed',
    api_error_status: null,
    ...mark,
    ...fields,
    type: 'result',
  });
}
function failed(status, error, text, more = {}) {
  const message = {
    model: '<synthetic>',
    role: 'assistant',
    content: [{type: 'text', text}],
    stop_reason: 'stop_sequence',
  };
  print({type: 'assistant', message, error, parent_tool_use_id: null, ...mark});
  result({is_error: true, api_error_status: status, terminal_reason: 'api_error', result: text, ...more});
  process.exitCode = 1;
}
const retry = (error_status, error, retry_delay_ms) =>
  print({
    type: 'system',
    subtype: 'api_retry',
    attempt: 1,
    max_retries: 10,
    retry_delay_ms,
    error_status,
    error,
    ...mark,
  });
const finish = text => {
  say([{type: 'text', text}]);
  result({result: text});
};

// A word behind a slash is a command of its own, which asks no model.
if (/^\/[a-z-]+(?:\s|$)/.test(prompt)) {
  result({result: ''});
  process.exit(0);
}

print({type: 'system', subtype: 'init', cwd, tools: [], model, permissionMode: 'acceptEdits', ...mark});
switch (act) {
  case 'edit':
    say([
      {type: 'text', text: 'I write it.'},
      {type: 'tool_use', id: 'toolu_1', name: 'Write', input: {file_path: join(cwd, 'made.txt'), content: 'x'}},
    ]);
    writeFileSync('made.txt', 'x');
    answered('toolu_1');
    finish('Done.');
    break;
  case 'echo':
    finish(prompt);
    break;
  case 'environment':
    finish(JSON.stringify(process.env));
    break;
  case 'throttled':
    retry(429, 'rate_limit', 625);
    failed(429, 'rate_limit', 'API Error: Request rejected (429) · slow down');
    break;
  case 'throttled-with-time':
    retry(429, 'rate_limit', 30_000);
    failed(429, 'rate_limit', 'API Error: Request rejected (429) · Rate limited, retry in 30s');
    break;
  case 'quota':
    failed(400, 'billing_error', 'Credit balance is too low');
    break;
  case 'overloaded':
    retry(529, 'overloaded', 599);
    failed(529, 'server_error', 'API Error: 529 Overloaded. This is a server-side issue, try again in a moment.');
    break;
  case 'auth':
    failed(401, 'authentication_failed', 'Invalid API key · Fix external API key');
    break;
  case 'refused':
    say([{type: 'text', text: 'I cannot'}]);
    failed(null, 'refusal', "API Error: Haiku 4.5 can't help with this.", {stop_reason: 'refusal'});
    break;
  case 'too-long':
    failed(400, 'invalid_request', 'Prompt is too long · the request is ~250000 tokens', {
      terminal_reason: 'prompt_too_long',
    });
    break;
  case 'crash':
    say([{type: 'text', text: 'half'}]);
    process.stdout.write('{"type":"assis', () => process.kill(process.pid, 'SIGKILL'));
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
    say([{type: 'text', text: 'half'}]);
    await new Promise(() => setInterval(() => undefined, 1000));
    break;
  case 'idle':
    finish('Nothing to do.');
    break;
  case 'silent':
    break;
  case 'denied': {
    const tool_input = {command: 'npm publish'};
    say([{type: 'tool_use', id: 'toolu_1', name: 'Bash', input: tool_input}]);
    print({type: 'system', subtype: 'permission_denied', tool_name: 'Bash', tool_use_id: 'toolu_1', ...mark});
    answered('toolu_1', true);
    say([{type: 'text', text: 'I was not allowed to.'}]);
    const permission_denials = [{tool_name: 'Bash', tool_use_id: 'toolu_1', tool_input}];
    result({result: 'I was not allowed to.', permission_denials});
    break;
  }
}
