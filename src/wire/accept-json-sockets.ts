import {type IncomingMessage, type Server, STATUS_CODES} from 'node:http';
import type {Duplex} from 'node:stream';
import {type WebSocket, WebSocketServer} from 'ws';
import {JsonSocket, MAX_MESSAGE_BYTES} from './json-socket.ts';
import {Liveness} from './liveness.ts';

/** Why an upgrade is answered with an HTTP error instead. */
export interface Refusal {
  readonly status: number;
  readonly body: string;
}

export interface Upgrade {
  readonly request: IncomingMessage;
  readonly url: URL;
}

/** What happens to the WebSockets of one path; made by `jsonRoute`. */
export type SocketRoute = (webSocket: WebSocket, liveness: Liveness, upgrade: Upgrade) => void;

export function jsonRoute<Out, In>(
  parse: (value: unknown) => In,
  open: (socket: JsonSocket<Out, In>, upgrade: Upgrade) => void,
): SocketRoute {
  return (webSocket, liveness, upgrade) => open(new JsonSocket<Out, In>(webSocket, {parse, liveness}), upgrade);
}

export interface AcceptOptions {
  readonly routes: Readonly<Record<string, SocketRoute>>;
  /** Asked before a WebSocket is made; null lets it pass. */
  readonly authorize: (upgrade: Upgrade) => Refusal | null;
  readonly deadAfterMs: number;
}

/** Takes the upgrades of an HTTP server. `close` cuts every WebSocket that is still open. */
export function acceptJsonSockets(server: Server, {routes, authorize, deadAfterMs}: AcceptOptions): {close(): void} {
  const liveness = new Liveness(deadAfterMs);
  const table = new Map(Object.entries(routes));
  const webSocketServer = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_MESSAGE_BYTES,
  });
  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // Until the WebSocket takes over, an error on the stream would otherwise be thrown.
    const ignore = () => stream.destroy();
    stream.on('error', ignore);
    const url = urlOf(request);
    const route = url && table.get(url.pathname);
    if (!url || !route) return refuse(stream, {status: 404, body: 'no such path'});
    const refusal = authorize({request, url});
    if (refusal) return refuse(stream, refusal);
    stream.off('error', ignore);
    webSocketServer.handleUpgrade(request, stream, head, webSocket => route(webSocket, liveness, {request, url}));
  };
  server.on('upgrade', onUpgrade);
  return {
    close() {
      server.off('upgrade', onUpgrade);
      for (const webSocket of webSocketServer.clients) webSocket.terminate();
      webSocketServer.close();
    },
  };
}

function urlOf(request: IncomingMessage): URL | null {
  try {
    return new URL(request.url ?? '/', 'http://localhost');
  } catch {
    return null;
  }
}

function refuse(stream: Duplex, {status, body}: Refusal): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Content-Type: application/json',
  ];
  stream.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
