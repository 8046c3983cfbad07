import {request as httpRequest} from 'node:http';
import {performance} from 'node:perf_hooks';
import {sleep} from '../base/clock.ts';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';

export interface Exchange {
  readonly socket: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: unknown;
  /** Longest time without an answer in milliseconds; null: as long as the daemon lives. */
  readonly timeoutMs: number | null;
  /** Asked before sending, and now and then while no answer comes: why none will, or null when one may still come. */
  readonly explainSilence: () => Failure | null;
  readonly signal?: AbortSignal | undefined;
  /** Doing it twice is the same as once: when the daemon dies amid it, it may be asked of the next one. */
  readonly isRepeatable: boolean;
}

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

/** Nobody listens on the socket: the daemon is not running (as far as this path tells). */
export interface NobodyListens {
  readonly nobodyListens: true;
}

const SILENCE_CHECK_MS = 1500;
const PATIENCE_STEP_MS = 50;
/** `ENOTDIR`: a file is in the way of the runtime folder; starting the daemon says so. */
const ABSENT = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTDIR']);
/** The daemon died with the connection open. */
const BROKEN = new Set(['ECONNRESET', 'EPIPE']);

/** One HTTP request over a Unix socket. Resolves in every case; what is thrown inside comes out as a failure. */
export async function exchange(options: Exchange): Promise<Result<HttpAnswer, Failure | NobodyListens>> {
  const why = await lastingSilence(options);
  return why === null ? send(options) : fail(why);
}

/**
 * Why it would be in vain to send the request, when that does not change within the usual patience. A stopped daemon
 * would find the request when it goes on, and carry out what its sender was told has failed.
 */
async function lastingSilence({timeoutMs, explainSilence, signal}: Exchange): Promise<Failure | null> {
  const until = performance.now() + silenceCheckMs(timeoutMs);
  for (;;) {
    const why = explainSilence();
    if (why === null || signal?.aborted || performance.now() >= until) return why;
    await sleep(PATIENCE_STEP_MS);
  }
}

function send(options: Exchange): Promise<Result<HttpAnswer, Failure | NobodyListens>> {
  const {socket, method, path, headers, body, signal} = options;
  return new Promise(resolve => {
    const text = body === undefined ? undefined : JSON.stringify(body);
    const call = httpRequest({
      socketPath: socket,
      method,
      path,
      agent: false,
      headers: {
        ...headers,
        ...(text === undefined
          ? {}
          : {'content-type': 'application/json', 'content-length': String(Buffer.byteLength(text))}),
      },
      ...(signal === undefined ? {} : {signal}),
    });
    const settle = (result: Result<HttpAnswer, Failure | NobodyListens>) => {
      clearInterval(watch);
      call.destroy();
      resolve(result);
    };
    const watch = watchSilence(options, failure => settle(fail(failure)));
    call.on('error', error => settle(fail(connectionFailure(error, options))));
    call.on('response', answer => {
      const chunks: Buffer[] = [];
      answer.on('data', (chunk: Buffer) => chunks.push(chunk));
      answer.on('error', error => settle(fail(connectionFailure(error, options))));
      answer.on('end', () => {
        const status = answer.statusCode ?? 0;
        settle(ok({status, headers: answer.headers, text: Buffer.concat(chunks).toString('utf8')}));
      });
    });
    call.end(text);
  });
}

function watchSilence({timeoutMs, explainSilence}: Exchange, giveUp: (failure: Failure) => void): NodeJS.Timeout {
  const start = performance.now();
  return setInterval(() => {
    const why = explainSilence();
    if (why) giveUp(why);
    else if (timeoutMs !== null && performance.now() - start >= timeoutMs) giveUp(tooSlow(timeoutMs));
  }, silenceCheckMs(timeoutMs));
}

function silenceCheckMs(timeoutMs: number | null): number {
  return Math.min(SILENCE_CHECK_MS, timeoutMs ?? SILENCE_CHECK_MS);
}

function tooSlow(timeoutMs: number): Failure {
  return {
    reason: 'daemon-unreachable',
    detail: `The daemon lives but did not answer within ${timeoutMs / 1000} s.`,
    hint: 'See `godel daemon logs`; `godel daemon stop --force` ends it and its teams.',
  };
}

function connectionFailure(error: Error, {socket, isRepeatable}: Exchange): Failure | NobodyListens {
  const code = 'code' in error ? String(error.code) : '';
  // Reset while connecting: the daemon has ended without having read a byte.
  const isUnread = 'syscall' in error && error.syscall === 'connect';
  if (ABSENT.has(code) || ((isRepeatable || isUnread) && BROKEN.has(code))) return {nobodyListens: true};
  if (error.name === 'AbortError') return {reason: 'interrupted', signal: 'SIGINT'};
  if (code === 'EACCES' || code === 'EPERM') {
    return {
      reason: 'daemon-unreachable',
      detail: `Its socket ${socket} belongs to another user.`,
      hint: 'A daemon serves only the user who runs it.',
    };
  }
  return {
    reason: 'daemon-unreachable',
    detail: `The connection to the daemon broke: ${error.message}.`,
    hint: 'Try again; teams go on while the daemon restarts. `godel daemon logs` says what happened.',
  };
}
