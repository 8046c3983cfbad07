import {type IncomingMessage, type Server, STATUS_CODES} from 'node:http';
import type {Duplex} from 'node:stream';
import {WebSocketServer} from 'ws';
import {HubLiveness} from './hub-liveness.ts';
import {MAX_HUB_FRAME_BYTES} from './hub-protocol.ts';
import {HubSocket} from './hub-socket.ts';

export interface AcceptHubOptions {
  readonly path: string;
  /** Bytes a connection may send before it is admitted, frame headers included. */
  readonly helloBytes: number;
  /** A peer that is silent for so long, in milliseconds, is cut off. */
  readonly deadAfterMs: number;
  /** Asked before a WebSocket is made; null lets it pass. */
  readonly refuse: (request: IncomingMessage) => UpgradeRefusal | null;
  readonly open: (socket: HubSocket) => void;
}

/** Why an upgrade is answered with an HTTP error instead. */
export interface UpgradeRefusal {
  readonly status: number;
  readonly body: string;
  readonly retryAfterS: number | null;
}

/** Takes the upgrades of an HTTP or HTTPS server at one path. `close` cuts every WebSocket that is still open. */
export function acceptHubSockets(server: Server, options: AcceptHubOptions): {close(): void} {
  const liveness = new HubLiveness(options.deadAfterMs);
  const webSocketServer = new WebSocketServer({
    noServer: true,
    perMessageDeflate: false,
    maxPayload: MAX_HUB_FRAME_BYTES,
    clientTracking: false,
  });
  const sockets = new Set<HubSocket>();
  const onUpgrade = (request: IncomingMessage, stream: Duplex, head: Buffer) => {
    // Until the WebSocket takes over, an error on the stream would otherwise be thrown.
    const ignore = () => stream.destroy();
    stream.on('error', ignore);
    const refusal = isAt(request, options.path) ? options.refuse(request) : NO_SUCH_PATH;
    if (refusal) return answer(stream, refusal);
    webSocketServer.handleUpgrade(request, stream, head, webSocket => {
      stream.off('error', ignore);
      const socket = new HubSocket(webSocket, {stream: request.socket, liveness, helloBytes: options.helloBytes});
      sockets.add(socket);
      socket.onClose(() => sockets.delete(socket));
      options.open(socket);
    });
  };
  server.on('upgrade', onUpgrade);
  return {
    close() {
      server.off('upgrade', onUpgrade);
      for (const socket of sockets) socket.terminate();
      webSocketServer.close();
    },
  };
}

const NO_SUCH_PATH: UpgradeRefusal = {status: 404, body: 'no such path', retryAfterS: null};

function isAt(request: IncomingMessage, path: string): boolean {
  const url = request.url ?? '';
  return url === path || url.startsWith(`${path}?`);
}

function answer(stream: Duplex, {status, body, retryAfterS}: UpgradeRefusal): void {
  const head = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Error'}`,
    'Connection: close',
    `Content-Length: ${Buffer.byteLength(body)}`,
    'Content-Type: application/json',
    ...(retryAfterS === null ? [] : [`Retry-After: ${retryAfterS}`]),
  ];
  stream.once('finish', () => stream.destroy());
  stream.end(`${head.join('\r\n')}\r\n\r\n${body}`);
}
