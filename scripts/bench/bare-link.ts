import {connect, type Socket} from 'node:net';
import {once} from 'node:events';

const UPGRADE = (path: string, port: string) =>
  `GET ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n';
const HEAD_END = Buffer.from('\r\n\r\n');
const TEXT = 0x1;
const PING = 0x9;
const PONG = 0xa;
const NOTHING = Buffer.alloc(0);

/**
 * The least that a WebSocket client can be, so that a process which holds thousands of them is not what is measured: frames are cut out
 * of the stream and given away as bytes. What it says is masked with zeros, which the protocol allows and which leaves it as it is.
 */
export class BareLink {
  onText: (payload: Buffer) => void = () => undefined;
  /** The other side has ended it, or it broke. */
  onClose: () => void = () => undefined;
  readonly #socket: Socket;
  #rest: Buffer = NOTHING;

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('error', () => undefined);
  }

  static async open(url: string): Promise<BareLink> {
    const {port, pathname} = new URL(url);
    const socket = connect({port: Number(port), host: '127.0.0.1', noDelay: true});
    const link = new BareLink(socket);
    await once(socket, 'connect');
    socket.write(UPGRADE(pathname, port));
    await new Promise<void>((resolve, reject) => {
      let head = NOTHING;
      const onHead = (chunk: Buffer) => {
        head = Buffer.concat([head, chunk]);
        const end = head.indexOf(HEAD_END);
        if (end < 0) return;
        socket.off('data', onHead);
        if (!head.toString('latin1', 0, 12).endsWith(' 101')) reject(new Error(head.toString('latin1', 0, 200)));
        socket.on('data', data => link.#take(data));
        socket.on('close', () => link.onClose());
        link.#take(head.subarray(end + HEAD_END.length));
        resolve();
      };
      socket.on('data', onHead);
      socket.once('close', () => reject(new Error('the connection was closed before it was a WebSocket')));
    });
    return link;
  }

  send(text: string): void {
    this.#socket.write(masked(TEXT, Buffer.from(text)));
  }

  /** Nothing more is read. */
  pause(): void {
    this.#socket.pause();
  }

  close(): void {
    this.onClose = () => undefined;
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const bytes = this.#rest.length === 0 ? chunk : Buffer.concat([this.#rest, chunk]);
    let at = 0;
    for (;;) {
      if (bytes.length - at < 2) break;
      const short = (bytes[at + 1] ?? 0) & 0x7f;
      const headed = short === 127 ? 10 : short === 126 ? 4 : 2;
      if (bytes.length - at < headed) break;
      const length = short === 127 ? bytes.readUInt32BE(at + 6) : short === 126 ? bytes.readUInt16BE(at + 2) : short;
      const end = at + headed + length;
      if (bytes.length < end) break;
      const opcode = (bytes[at] ?? 0) & 0xf;
      const payload = bytes.subarray(at + headed, end);
      if (opcode === TEXT) this.onText(payload);
      else if (opcode === PING) this.#socket.write(masked(PONG, payload));
      at = end;
    }
    this.#rest = at === bytes.length ? NOTHING : bytes.subarray(at);
  }
}

function masked(opcode: number, payload: Buffer): Buffer {
  const {length} = payload;
  const headed = length < 126 ? 2 : length < 65_536 ? 4 : 10;
  const frame = Buffer.alloc(headed + 4 + length);
  frame[0] = 0x80 | opcode;
  frame[1] = 0x80 | (headed === 2 ? length : headed === 4 ? 126 : 127);
  if (headed === 4) frame.writeUInt16BE(length, 2);
  if (headed === 10) frame.writeUInt32BE(length, 6);
  payload.copy(frame, headed + 4);
  return frame;
}
