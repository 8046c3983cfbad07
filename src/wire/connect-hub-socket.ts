import {WebSocket} from 'ws';
import {fail, ok, type Result} from '../base/result.ts';
import type {ConnectFailure} from './connect-json-socket.ts';
import {type ClientFrame, type HubFrame, MAX_HUB_FRAME_BYTES} from './hub-protocol.ts';
import {JsonSocket} from './json-socket.ts';
import type {Liveness} from './liveness.ts';
import {parseHubFrame} from './parse-hub-frame.ts';

const HANDSHAKE_MS = 10_000;
/** Of an answer that is no upgrade, as much is read. */
const MAX_REFUSAL_BYTES = 4096;

export interface ConnectHubOptions {
  /** `ws:` or `wss:`, with the path. */
  readonly url: string;
  /** PEM; for `wss:` only. */
  readonly tls: {readonly cert?: Buffer; readonly key?: Buffer; readonly ca?: Buffer};
  readonly liveness: Liveness;
  readonly signal: AbortSignal;
}

export type HubClientSocket = JsonSocket<ClientFrame, HubFrame>;

/** Opens a WebSocket to a hub, over TCP or TLS. */
export function connectHubSocket({
  url,
  tls,
  liveness,
  signal,
}: ConnectHubOptions): Promise<Result<HubClientSocket, ConnectFailure>> {
  if (signal.aborted) return Promise.resolve(fail({kind: 'aborted'}));
  const webSocket = new WebSocket(url, {
    perMessageDeflate: false,
    // Pages of the hub may be a little larger than one frame of a client, since they carry at least one entry whole.
    maxPayload: 4 * MAX_HUB_FRAME_BYTES,
    handshakeTimeout: HANDSHAKE_MS,
    ...tls,
  });
  return new Promise(resolve => {
    const settle = (result: Result<HubClientSocket, ConnectFailure>) => {
      signal.removeEventListener('abort', onAbort);
      resolve(result);
    };
    const onAbort = () => {
      settle(fail({kind: 'aborted'}));
      webSocket.terminate();
    };
    signal.addEventListener('abort', onAbort, {once: true});
    webSocket.once('open', () => {
      settle(ok(new JsonSocket<ClientFrame, HubFrame>(webSocket, {parse: parseHubFrame, liveness})));
    });
    webSocket.once('unexpected-response', (request, response) => {
      let body = '';
      response.setEncoding('utf8').on('data', (chunk: string) => {
        if (body.length < MAX_REFUSAL_BYTES) body += chunk;
        else response.destroy();
      });
      response.on('close', () => {
        request.destroy();
        settle(fail({kind: 'refused', status: response.statusCode ?? 0, detail: body.slice(0, MAX_REFUSAL_BYTES)}));
      });
    });
    webSocket.on('error', (error: NodeJS.ErrnoException) => {
      settle(fail({kind: 'no-listener', code: error.code ?? 'UNKNOWN', detail: error.message}));
    });
  });
}
