import type {Tokens} from './bill.ts';
import {type Conversation, type Fields, fieldsOf, inputOf, listOf, textOf, toolOf, type Turn} from './conversation.ts';
import {type Answer, type Dialect, type ErrorKind, event, type Frame, type ProviderError} from './dialect.ts';

/** Anthropic's `/v1/messages`. */
export const anthropic: Dialect = {
  route(path) {
    if (path.endsWith('/messages/count_tokens')) return {does: 'count'};
    return path.endsWith('/messages') ? {does: 'generate'} : null;
  },
  read: readMessages,
  frames: framesOf,
  whole: answer => ({
    ...messageOf(answer),
    content: blocksOf(answer),
    stop_reason: stopOf(answer),
    usage: usageOf(answer.tokens),
  }),
  counted: tokens => ({input_tokens: tokens}),
  error: errorOf,
  brokenOff: () => event({type: 'error', error: {type: 'overloaded_error', message: 'Overloaded'}}, 'error'),
};

function readMessages(body: Fields): Conversation {
  return {
    model: textOf(body['model']),
    turns: listOf(body['messages']).flatMap(message => turnsOf(fieldsOf(message))),
    tools: listOf(body['tools']).map(tool => toolOf(fieldsOf(tool)['name'], fieldsOf(tool)['input_schema'])),
    stream: body['stream'] === true,
    wantsJson: JSON.stringify(fieldsOf(body['output_config'])).includes('json_schema'),
    caches: JSON.stringify(body).includes('"cache_control"'),
  };
}

function turnsOf({role, content}: Fields): Turn[] {
  const blocks = typeof content === 'string' ? [{type: 'text', text: content}] : listOf(content).map(fieldsOf);
  const text = blocks.flatMap(block => (block['type'] === 'text' ? withoutReminders(textOf(block['text'])) : []));
  if (role === 'assistant') {
    const calls = blocks.filter(({type}) => type === 'tool_use');
    return [
      {
        role: 'assistant',
        text: text.join('\n'),
        calls: calls.map(block => ({name: textOf(block['name']), input: inputOf(block['input'])})),
      },
    ];
  }
  const results = blocks.filter(({type}) => type === 'tool_result');
  const said = text.join('\n').trim();
  return [
    ...results.map(
      (block): Turn => ({role: 'result', text: plain(block['content']), failed: block['is_error'] === true}),
    ),
    ...(said === '' ? [] : [{role: 'user' as const, text: said}]),
  ];
}

/** Claude adds what it wants the model to know in this form; it is not what the user said. */
function withoutReminders(text: string): string {
  return text.replaceAll(/<system-reminder>[\s\S]*?<\/system-reminder>/g, '');
}

function plain(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map(block => textOf(fieldsOf(block)['text']))
    .join('\n');
}

function framesOf(answer: Answer): readonly Frame[] {
  const {tokens} = answer;
  const first = {...tokens, output: 1};
  const blocks = blocksOf(answer).flatMap((block, index) => blockFrames(block, index));
  const delta = {stop_reason: stopOf(answer), stop_sequence: null};
  return [
    {
      text: event(
        {type: 'message_start', message: {...messageOf(answer), content: [], stop_reason: null, usage: usageOf(first)}},
        'message_start',
      ),
      told: first,
    },
    ...blocks,
    {text: event({type: 'message_delta', delta, usage: usageOf(tokens)}, 'message_delta'), told: tokens},
    {text: event({type: 'message_stop'}, 'message_stop')},
  ];
}

type Block = {type: 'text'; text: string} | {type: 'tool_use'; id: string; name: string; input: unknown};

function blocksOf({reply, id}: Answer): Block[] {
  const calls = reply.calls.map(
    ({name, input}, at): Block => ({type: 'tool_use', id: `toolu_${id}_${at}`, name, input}),
  );
  return reply.text === '' && calls.length > 0 ? calls : [{type: 'text', text: reply.text}, ...calls];
}

function blockFrames(block: Block, index: number): Frame[] {
  const empty = block.type === 'text' ? {...block, text: ''} : {...block, input: {}};
  const delta =
    block.type === 'text'
      ? {type: 'text_delta', text: block.text}
      : {type: 'input_json_delta', partial_json: JSON.stringify(block.input)};
  return [
    {text: event({type: 'content_block_start', index, content_block: empty}, 'content_block_start')},
    {text: event({type: 'content_block_delta', index, delta}, 'content_block_delta')},
    {text: event({type: 'content_block_stop', index}, 'content_block_stop')},
  ];
}

function messageOf({id, model}: Answer): Fields {
  return {id: `msg_${id}`, type: 'message', role: 'assistant', model, stop_sequence: null};
}

function stopOf({reply}: Answer): string {
  if (reply.refusal) return 'refusal';
  return reply.calls.length > 0 ? 'tool_use' : 'end_turn';
}

function usageOf(tokens: Tokens): Fields {
  return {
    input_tokens: tokens.input,
    output_tokens: tokens.output,
    cache_read_input_tokens: tokens.cacheRead,
    cache_creation_input_tokens: tokens.cacheWrite,
    cache_creation: {ephemeral_5m_input_tokens: tokens.cacheWrite, ephemeral_1h_input_tokens: 0},
    service_tier: 'standard',
  };
}

const ERRORS = {
  throttled: [429, 'rate_limit_error', 'This request would exceed the rate limit of your organization.'],
  overloaded: [529, 'overloaded_error', 'Overloaded'],
  unavailable: [503, 'api_error', 'Service temporarily unavailable'],
  quota: [
    400,
    'invalid_request_error',
    'Your credit balance is too low to access the Anthropic API. Please go to Plans & Billing to upgrade or purchase credits.',
  ],
  unauthorized: [401, 'authentication_error', 'invalid x-api-key'],
  'too-long': [400, 'invalid_request_error', 'prompt is too long: 210000 tokens > 200000 maximum'],
} as const satisfies Record<ErrorKind, readonly [number, string, string]>;

function errorOf(kind: ErrorKind): ProviderError {
  const [status, type, message] = ERRORS[kind];
  return {status, body: {type: 'error', error: {type, message}, request_id: 'req_loopback'}};
}
