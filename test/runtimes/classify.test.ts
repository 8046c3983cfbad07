import {expect, test} from 'vitest';
import {type Trouble, classify, retryCause} from '../../src/runtimes/classify.ts';

const NOW = Date.UTC(2026, 0, 1, 12, 0, 0);
const SECOND = 1000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

test.each<[string, Trouble, string, number | null]>([
  ['a header in seconds', {status: 429, text: 'slow down', retryAfter: '7'}, 'throttled', 7 * SECOND],
  [
    'a header with a date',
    {status: 429, text: '', retryAfter: 'Thu, 01 Jan 2026 12:00:30 GMT'},
    'throttled',
    30 * SECOND,
  ],
  ['a date that has passed', {status: 429, text: '', retryAfter: 'Thu, 01 Jan 2026 11:00:00 GMT'}, 'throttled', 0],
  ['no time at all', {status: 429, text: 'Too Many Requests'}, 'throttled', null],
  ['a header of no use', {status: 429, text: '', retryAfter: 'soon'}, 'throttled', null],
  ['seconds', {text: 'Rate limit reached. Please try again in 1.2s.'}, 'throttled', 1200],
  ['milliseconds', {text: 'rate_limit_exceeded, try again in 340ms'}, 'throttled', 340],
  [
    'tokens per minute',
    {status: 429, text: 'Rate limit reached on tokens per min (TPM): Limit 30000'},
    'throttled',
    null,
  ],
  [
    'quota per minute',
    {status: 429, text: 'Quota exceeded for metric GenerateRequestsPerMinute. Please retry in 36.6s.'},
    'throttled',
    36_600,
  ],
  ['quota per day', {status: 429, text: 'Quota exceeded: GenerateRequestsPerDay'}, 'quota', null],
  ['openai quota', {status: 429, text: 'insufficient_quota: check your plan and billing details'}, 'quota', null],
  ['usage limit until a time', {text: 'Claude AI usage limit reached|1767272400'}, 'quota', HOUR],
  ['usage limit for days', {text: "You've hit your usage limit. Try again in 2 days 3 hours."}, 'quota', 51 * HOUR],
  ['credit', {status: 400, text: 'Your credit balance is too low to access the API.'}, 'quota', null],
  ['payment', {status: 402, text: 'Payment Required'}, 'quota', null],
  ['overloaded', {status: 529, text: 'Overloaded'}, 'overloaded', null],
  ['unavailable', {status: 503, text: 'try again in 2 minutes', retryAfter: null}, 'overloaded', 2 * MINUTE],
  ['overloaded by words', {text: 'The model is overloaded. Please try again later.'}, 'overloaded', null],
  ['a status by words', {text: 'HTTP 429: slow down'}, 'throttled', null],
  ['a status in front', {text: '529 {"type":"error"}'}, 'overloaded', null],
  ['a status in brackets', {text: 'API Error: Request rejected (429) · slow down'}, 'throttled', null],
  ['a class of Python', {text: 'openai.RateLimitError: slow down'}, 'throttled', null],
  ['an hour and some', {text: 'Too many requests, try again in 1 hour and 5 minutes'}, 'throttled', 65 * MINUTE],
  ['json delay', {status: 429, text: '{"retryDelay": "17s"}'}, 'throttled', 17 * SECOND],
])('a limit with %s', (_, trouble, kind, retryAfterMs) => {
  expect(classify(trouble, NOW)).toEqual({kind, retryAfterMs, detail: trouble.text});
});

test('a time of day is the next such time here', () => {
  const now = new Date(2026, 0, 1, 14, 0, 0).getTime();
  const at = (text: string) => classify({text: `You've hit your usage limit · ${text}`}, now);
  expect(at('resets 3pm')).toMatchObject({kind: 'quota', retryAfterMs: HOUR});
  expect(at('try again at 2:30 PM')).toMatchObject({kind: 'quota', retryAfterMs: 30 * MINUTE});
  expect(at('resets 1pm')).toMatchObject({kind: 'quota', retryAfterMs: 23 * HOUR});
});

test.each<[string, Trouble]>([
  ['auth', {status: 401, text: 'whatever'}],
  ['auth', {status: 403, text: 'Forbidden'}],
  ['auth', {text: 'Invalid API key · Fix external API key'}],
  ['auth', {text: 'Not logged in · Please run /login'}],
  ['auth', {text: 'No API key found for openai.'}],
  ['context-too-long', {status: 400, text: 'prompt is too long: 250000 tokens > 200000 maximum'}],
  ['context-too-long', {text: "This model's maximum context length is 128000 tokens"}],
  ['context-too-long', {text: 'context_length_exceeded'}],
  ['context-too-long', {status: 413, text: 'request_too_large'}],
  ['refused', {text: 'unable to respond to this request, which appears to violate our Usage Policy'}],
  ['refused', {text: 'Provider finish_reason: content_filter'}],
  ['crashed', {status: 500, text: 'Internal server error'}],
  ['crashed', {text: 'TypeError: fetch failed'}],
  ['crashed', {status: 404, text: 'model: nonsense'}],
  ['auth', {text: 'API Error: 401 {"type":"error"}'}],
  ['crashed', {text: 'it ended with exit code 1: at run (app.js:429:12)'}],
  ['crashed', {text: 'connect ECONNREFUSED 127.0.0.1:503'}],
  ['crashed', {text: 'write failed: Disk quota exceeded'}],
  ['crashed', {text: 'The server refused to connect'}],
  ['crashed', {text: 'TypeError in rateLimiter.js: type safety'}],
])('%s: %j', (kind, trouble) => {
  expect(classify(trouble, NOW)).toEqual({kind, detail: trouble.text});
});

test('a retry is for the limit that caused it, or for anything else', () => {
  expect(retryCause({status: 429, text: ''})).toBe('throttled');
  expect(retryCause({status: 529, text: ''})).toBe('overloaded');
  expect(retryCause({status: null, text: 'connection reset'})).toBe('other');
});
