import type {ErrorKind, ProviderError} from './dialect.ts';

const ERRORS = {
  throttled: [
    429,
    'requests',
    'rate_limit_exceeded',
    'Rate limit reached for requests per min (RPM). Please try again later.',
  ],
  overloaded: [503, 'server_error', 'server_is_overloaded', 'The server is currently overloaded with other requests.'],
  unavailable: [503, 'server_error', 'service_unavailable', 'The service is temporarily unavailable.'],
  quota: [
    429,
    'insufficient_quota',
    'insufficient_quota',
    'You exceeded your current quota, please check your plan and billing details.',
  ],
  unauthorized: [401, 'invalid_request_error', 'invalid_api_key', 'Incorrect API key provided.'],
  'too-long': [
    400,
    'invalid_request_error',
    'context_length_exceeded',
    "This model's maximum context length is 128000 tokens.",
  ],
} as const satisfies Record<ErrorKind, readonly [number, string, string, string]>;

export function openaiError(kind: ErrorKind): ProviderError {
  const [status, type, code, message] = ERRORS[kind];
  return {status, body: {error: {message, type, param: null, code}}};
}
