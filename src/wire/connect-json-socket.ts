import {createConnection} from 'node:net';
import {WebSocket} from 'ws';
import {type Result, fail, ok} from '../base/result.ts';
import {JsonSocket, MAX_MESSAGE_BYTES} from './json-socket.ts';
import {Liveness} from './liveness.ts';

const HANDSHAKE_MS = 10_000;

export interface ConnectOptions<In> {
  readonly socketPath: string;
  /** Path and query of the request, for example `/v1/host`. */
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly parse: (value: unknown) => In;
  /** A peer that is silent for this long counts as dead. */
  readonly deadAfterMs: number;
  readonly signal?: AbortSignal;
}

export type ConnectFailure =
  /** Nobody listens: `code` is ENOENT, ECONNREFUSED or what else the OS said. */
  | {readonly kind: 'no-listener'; readonly code: string; readonly detail: string}
  /** Somebody listens and did not want us. */
  | {readonly kind: 'refused'; readonly status: number; readonly detail: string}
  | {readonly kind: 'aborted'};

/** Opens a WebSocket over a Unix socket. */
export function connectJsonSocket<Out, In>({
  socketPath,
  path,
  headers,
  parse,
  deadAfterMs,
  signal,
}: ConnectOptions<In>): Promise<Result<JsonSocket<Out, In>, ConnectFailure>> {
  if (signal?.aborted) return Promise.resolve(fail({kind: 'aborted'}));
  const webSocket = new WebSocket(`ws://localhost${path}`, {
    // Not a `ws+unix:` address: there a colon in the socket's path would begin the request's path.
    createConnection: () => createConnection({path: socketPath}),
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
    handshakeTimeout: HANDSHAKE_MS,
    ...(headers && {headers}),
  });
  return new Promise(resolve => {
    const settle = (result: Result<JsonSocket<Out, In>, ConnectFailure>) => {
      signal?.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const onAbort = () => {
      settle(fail({kind: 'aborted'}));
      webSocket.terminate();
    };
    signal?.addEventListener('abort', onAbort, {once: true});
    webSocket.once('open', () => {
      settle(ok(new JsonSocket<Out, In>(webSocket, {parse, liveness: new Liveness(deadAfterMs)})));
    });
    webSocket.once('unexpected-response', (request, response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('close', () => {
        request.destroy();
        settle(fail({kind: 'refused', status: response.statusCode ?? 0, detail: Buffer.concat(chunks).toString()}));
      });
    });
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      settle(fail({kind: 'no-listener', code: error.code ?? 'UNKNOWN', detail: error.message}));
    });
  });
}
