import type {Tokens} from './bill.ts';
import {type Conversation, type Fields, fieldsOf, inputOf, listOf, textOf, toolOf, type Turn} from './conversation.ts';
import {type Answer, type Dialect, event, type Frame} from './dialect.ts';
import {openaiError} from './openai-error.ts';

/** OpenAI's `/v1/chat/completions`, which many others speak too. */
export const openaiChat: Dialect = {
  route: path => (path.endsWith('/chat/completions') ? {does: 'generate'} : null),
  read: readChat,
  frames: framesOf,
  whole: answer => ({
    ...headOf(answer, 'chat.completion'),
    choices: [{index: 0, message: {role: 'assistant', ...messageOf(answer)}, finish_reason: stopOf(answer)}],
    usage: usageOf(answer.tokens),
  }),
  counted: tokens => ({total_tokens: tokens}),
  error: openaiError,
  brokenOff: () =>
    event({
      error: {message: 'The server had an error while processing your request.', type: 'server_error', code: null},
    }),
};

function readChat(body: Fields): Conversation {
  return {
    model: textOf(body['model']),
    turns: listOf(body['messages']).flatMap(message => turnOf(fieldsOf(message))),
    tools: listOf(body['tools']).map(tool => {
      const {name, parameters} = fieldsOf(fieldsOf(tool)['function']);
      return toolOf(name, parameters);
    }),
    stream: body['stream'] === true,
    wantsJson: 'response_format' in body,
    caches: true,
  };
}

function turnOf(message: Fields): Turn[] {
  const text = plain(message['content']);
  switch (message['role']) {
    case 'user':
      return [{role: 'user', text}];
    case 'tool':
      return [{role: 'result', text, failed: /^(error|failed)/i.test(text)}];
    case 'assistant':
      return [{role: 'assistant', text, calls: listOf(message['tool_calls']).map(callOf)}];
    default:
      return [];
  }
}

function callOf(call: unknown): {name: string; input: Fields | string} {
  const {name, arguments: input} = fieldsOf(fieldsOf(call)['function']);
  return {name: textOf(name), input: inputOf(input)};
}

function plain(content: unknown): string {
  if (typeof content === 'string') return content;
  return listOf(content)
    .map(part => textOf(fieldsOf(part)['text']))
    .join('\n');
}

function framesOf(answer: Answer): readonly Frame[] {
  const head = headOf(answer, 'chat.completion.chunk');
  const chunk = (delta: Fields, finish: string | null): string =>
    event({...head, choices: [{index: 0, delta, finish_reason: finish}]});
  return [
    {text: chunk({role: 'assistant', content: ''}, null)},
    {text: chunk(deltaOf(answer), null)},
    {text: chunk({}, stopOf(answer))},
    {text: event({...head, choices: [], usage: usageOf(answer.tokens)}), told: answer.tokens},
    {text: event('[DONE]')},
  ];
}

function headOf({id, model}: Answer, object: string): Fields {
  return {id: `chatcmpl-${id}`, object, created: 1_760_000_000, model};
}

function messageOf({id, reply}: Answer): Fields {
  if (reply.refusal) return {refusal: reply.text};
  return {
    ...(reply.text === '' ? {} : {content: reply.text}),
    ...(reply.calls.length === 0
      ? {}
      : {
          tool_calls: reply.calls.map(({name, input}, at) => ({
            id: `call_${id}_${at}`,
            type: 'function',
            function: {name, arguments: JSON.stringify(input)},
          })),
        }),
  };
}

function deltaOf(answer: Answer): Fields {
  const message = messageOf(answer);
  const calls = listOf(message['tool_calls']).map((call, index) => ({index, ...fieldsOf(call)}));
  return calls.length === 0 ? message : {...message, tool_calls: calls};
}

function stopOf({reply}: Answer): string {
  if (reply.refusal) return 'content_filter';
  return reply.calls.length > 0 ? 'tool_calls' : 'stop';
}

function usageOf(tokens: Tokens): Fields {
  const prompt = tokens.input + tokens.cacheRead + tokens.cacheWrite;
  return {
    prompt_tokens: prompt,
    completion_tokens: tokens.output,
    total_tokens: prompt + tokens.output,
    prompt_tokens_details: {cached_tokens: tokens.cacheRead},
    completion_tokens_details: {reasoning_tokens: 0},
  };
}
