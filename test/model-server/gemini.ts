import type {Tokens} from './bill.ts';
import {type Conversation, type Fields, fieldsOf, inputOf, listOf, textOf, toolOf, type Turn} from './conversation.ts';
import {
  type Answer,
  type Dialect,
  type ErrorKind,
  event,
  type Frame,
  type ProviderError,
  type Route,
} from './dialect.ts';

/** Google's `models/MODEL:generateContent` and its streaming sister. */
export const gemini: Dialect = {
  route(path) {
    const [, model, verb] = /\/models\/([^/:]+):(\w+)$/.exec(path) ?? [];
    if (model === undefined) return null;
    if (verb === 'countTokens') return {does: 'count', model};
    return {does: 'generate', model, stream: verb === 'streamGenerateContent'};
  },
  read: readContents,
  frames: framesOf,
  whole: answer => chunkOf(answer, {parts: partsOf(answer), usage: answer.tokens}),
  counted: tokens => ({totalTokens: tokens}),
  error: errorOf,
  brokenOff: () => event(errorOf('overloaded').body),
};

function readContents(body: Fields, route: Route): Conversation {
  const config = fieldsOf(body['generationConfig']);
  const tools = listOf(body['tools']).flatMap(tool => listOf(fieldsOf(tool)['functionDeclarations']));
  return {
    model: route.model ?? '',
    turns: listOf(body['contents']).flatMap(content => turnsOf(fieldsOf(content))),
    tools: tools.map(tool => {
      const {name, parameters, parametersJsonSchema} = fieldsOf(tool);
      return toolOf(name, parametersJsonSchema ?? parameters);
    }),
    stream: route.stream ?? false,
    wantsJson: config['responseMimeType'] === 'application/json',
    caches: true,
  };
}

function turnsOf({role, parts}: Fields): Turn[] {
  const all = listOf(parts).map(fieldsOf);
  const text = all.map(part => textOf(part['text'])).join('\n');
  if (role === 'model') {
    const calls = all.filter(part => 'functionCall' in part).map(part => fieldsOf(part['functionCall']));
    return [
      {role: 'assistant', text, calls: calls.map(({name, args}) => ({name: textOf(name), input: inputOf(args)}))},
    ];
  }
  const results = all.filter(part => 'functionResponse' in part).map(part => fieldsOf(part['functionResponse']));
  return [
    ...results.map(({response}): Turn => {
      const {output, error} = fieldsOf(response);
      return {role: 'result', text: textOf(error) || textOf(output), failed: error !== undefined};
    }),
    ...(text.trim() === '' ? [] : [{role: 'user' as const, text}]),
  ];
}

function framesOf(answer: Answer): readonly Frame[] {
  const parts = partsOf(answer);
  const early = parts.map(part => ({text: event(chunkOf(answer, {parts: [part], usage: null}))}));
  const last = {text: event(chunkOf(answer, {parts: [{text: ''}], usage: answer.tokens})), told: answer.tokens};
  return [...early, last];
}

function partsOf({reply}: Answer): Fields[] {
  const calls = reply.calls.map(({name, input}) => ({functionCall: {name, args: input}}));
  return reply.text === '' && calls.length > 0 ? calls : [{text: reply.text}, ...calls];
}

function chunkOf({id, model, reply}: Answer, {parts, usage}: {parts: readonly Fields[]; usage: Tokens | null}): Fields {
  const reason = reply.refusal ? 'SAFETY' : 'STOP';
  return {
    candidates: [{index: 0, content: {role: 'model', parts}, ...(usage === null ? {} : {finishReason: reason})}],
    ...(usage === null ? {} : {usageMetadata: usageOf(usage)}),
    modelVersion: model,
    responseId: id,
  };
}

function usageOf(tokens: Tokens): Fields {
  const prompt = tokens.input + tokens.cacheRead + tokens.cacheWrite;
  return {
    promptTokenCount: prompt,
    cachedContentTokenCount: tokens.cacheRead,
    candidatesTokenCount: tokens.output,
    totalTokenCount: prompt + tokens.output,
  };
}

const ERRORS = {
  throttled: [429, 'RESOURCE_EXHAUSTED', 'Resource has been exhausted (e.g. check quota).', 'PerMinute'],
  overloaded: [503, 'UNAVAILABLE', 'The model is overloaded. Please try again later.', null],
  unavailable: [503, 'UNAVAILABLE', 'The service is currently unavailable.', null],
  quota: [
    429,
    'RESOURCE_EXHAUSTED',
    'You exceeded your current quota, please check your plan and billing details.',
    'PerDay',
  ],
  unauthorized: [401, 'UNAUTHENTICATED', 'API key not valid. Please pass a valid API key.', null],
  'too-long': [
    400,
    'INVALID_ARGUMENT',
    'The input token count (1100000) exceeds the maximum number of tokens allowed (1048576).',
    null,
  ],
} as const satisfies Record<ErrorKind, readonly [number, string, string, string | null]>;

function errorOf(kind: ErrorKind): ProviderError {
  const [code, status, message, window] = ERRORS[kind];
  const quotaId = `GenerateRequests${window ?? ''}PerProjectPerModel`;
  const details =
    window === null
      ? []
      : [
          {
            '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
            violations: [{quotaMetric: 'generate_requests', quotaId}],
          },
        ];
  return {status: code, body: {error: {code, message, status, details}}};
}
