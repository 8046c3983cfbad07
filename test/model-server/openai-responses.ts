import type {Tokens} from './bill.ts';
import {
  type Conversation,
  type Fields,
  fieldsOf,
  inputOf,
  listOf,
  textOf,
  type Tool,
  toolOf,
  type Turn,
} from './conversation.ts';
import {type Answer, type Dialect, event, type Frame} from './dialect.ts';
import {openaiError} from './openai-error.ts';

/** OpenAI's `/v1/responses`. */
export const openaiResponses: Dialect = {
  route: path => (path.endsWith('/responses') ? {does: 'generate'} : null),
  read: readResponses,
  frames: framesOf,
  whole: answer => responseOf(answer, 'completed'),
  counted: tokens => ({input_tokens: tokens}),
  error: openaiError,
  brokenOff: () =>
    event(
      {
        type: 'response.failed',
        response: {
          id: 'resp_failed',
          status: 'failed',
          error: {
            code: 'server_is_overloaded',
            message: 'Our servers are currently overloaded. Please try again later.',
          },
        },
      },
      'response.failed',
    ),
};

function readResponses(body: Fields): Conversation {
  const input = typeof body['input'] === 'string' ? [{role: 'user', content: body['input']}] : listOf(body['input']);
  return {
    model: textOf(body['model']),
    turns: input.flatMap(item => turnOf(fieldsOf(item))),
    tools: listOf(body['tools']).flatMap(tool => toolsOf(fieldsOf(tool))),
    stream: body['stream'] === true,
    wantsJson: JSON.stringify(fieldsOf(body['text'])).includes('json_schema'),
    caches: true,
  };
}

/** A namespace holds further tools, which are called by their own names. */
function toolsOf(tool: Fields): Tool[] {
  if (tool['type'] === 'custom') return [{...toolOf(tool['name'], {}), freeform: true}];
  if (tool['type'] === 'function') return [toolOf(tool['name'], tool['parameters'])];
  if (tool['type'] === 'local_shell') return [toolOf('local_shell', {})];
  return [];
}

function turnOf(item: Fields): Turn[] {
  switch (item['type']) {
    case 'function_call':
      return [callTurn(item, inputOf(item['arguments']))];
    case 'custom_tool_call':
      return [callTurn(item, textOf(item['input']))];
    case 'function_call_output':
    case 'custom_tool_call_output': {
      const text = plain(item['output']);
      return [{role: 'result', text, failed: /exited with code [1-9]|^(error|failed)/i.test(text)}];
    }
    default:
      break;
  }
  const text = plain(item['content']);
  if (item['role'] === 'assistant') return [{role: 'assistant', text, calls: []}];
  return item['role'] === 'user' ? [{role: 'user', text}] : [];
}

function callTurn(item: Fields, input: Fields | string): Turn {
  return {role: 'assistant', text: '', calls: [{name: textOf(item['name']), input}]};
}

function plain(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map(part => textOf(fieldsOf(part)['text']))
    .join('\n');
}

function framesOf(answer: Answer): readonly Frame[] {
  let sequence = 0;
  const frame = (type: string, fields: Fields): Frame => ({
    text: event({type, sequence_number: sequence++, ...fields}, type),
  });
  const items = itemsOf(answer).flatMap((item, index) => [
    frame('response.output_item.added', {output_index: index, item: {...item, status: 'in_progress'}}),
    ...deltasOf(item).map(({type, ...fields}) => frame(type, {output_index: index, item_id: item['id'], ...fields})),
    frame('response.output_item.done', {output_index: index, item}),
  ]);
  return [
    frame('response.created', {response: {...responseOf(answer, 'in_progress'), output: [], usage: null}}),
    ...items,
    {...frame('response.completed', {response: responseOf(answer, 'completed')}), told: answer.tokens},
  ];
}

function deltasOf(item: Fields): {type: string; delta: unknown; content_index?: number}[] {
  if (item['type'] === 'function_call')
    return [{type: 'response.function_call_arguments.delta', delta: item['arguments']}];
  if (item['type'] === 'custom_tool_call')
    return [{type: 'response.custom_tool_call_input.delta', delta: item['input']}];
  const [content] = listOf(item['content']).map(fieldsOf);
  if (content?.['type'] === 'refusal')
    return [{type: 'response.refusal.delta', content_index: 0, delta: content['refusal']}];
  return [{type: 'response.output_text.delta', content_index: 0, delta: content?.['text']}];
}

function itemsOf({id, reply}: Answer): Fields[] {
  const calls = reply.calls.map(({name, input}, at): Fields => {
    const head = {id: `fc_${id}_${at}`, call_id: `call_${id}_${at}`, name, status: 'completed'};
    if (typeof input === 'string') return {type: 'custom_tool_call', ...head, input};
    return {type: 'function_call', ...head, arguments: JSON.stringify(input)};
  });
  if (reply.text === '' && calls.length > 0) return calls;
  const content = reply.refusal
    ? {type: 'refusal', refusal: reply.text}
    : {type: 'output_text', text: reply.text, annotations: []};
  return [{type: 'message', id: `msg_${id}`, role: 'assistant', status: 'completed', content: [content]}, ...calls];
}

function responseOf(answer: Answer, status: string): Fields {
  return {
    id: `resp_${answer.id}`,
    object: 'response',
    created_at: 1_760_000_000,
    status,
    model: answer.model,
    output: itemsOf(answer),
    usage: usageOf(answer.tokens),
  };
}

function usageOf(tokens: Tokens): Fields {
  const input = tokens.input + tokens.cacheRead + tokens.cacheWrite;
  return {
    input_tokens: input,
    input_tokens_details: {cached_tokens: tokens.cacheRead},
    output_tokens: tokens.output,
    output_tokens_details: {reasoning_tokens: 0},
    total_tokens: input + tokens.output,
  };
}
