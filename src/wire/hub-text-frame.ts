const FINAL_TEXT = 0x81;
const SHORT = 126;
const LONG = 65_536;

/**
 * Texts as the bytes of unmasked WebSocket text frames (RFC 6455, section 5.2), one after the other: what a server writes. Made
 * once, it can be written to any number of connections.
 */
export function frameTexts(texts: readonly string[]): Buffer {
  const [only] = texts;
  if (texts.length === 1 && only !== undefined) return frameText(only);
  return Buffer.concat(texts.map(frameText));
}

export function frameText(text: string): Buffer {
  const {frame, head} = emptyFrame(Buffer.byteLength(text));
  frame.write(text, head);
  return frame;
}

/** One frame of a text that is there as bytes in parts. */
export function frameBytes(parts: readonly Buffer[]): Buffer {
  const {frame, head} = emptyFrame(parts.reduce((length, part) => length + part.length, 0));
  let at = head;
  for (const part of parts) at += part.copy(frame, at);
  return frame;
}

/** With room for so many bytes behind its head. */
function emptyFrame(length: number): {readonly frame: Buffer; readonly head: number} {
  const head = length < SHORT ? 2 : length < LONG ? 4 : 10;
  const frame = Buffer.allocUnsafe(head + length);
  frame[0] = FINAL_TEXT;
  if (head === 2) frame[1] = length;
  else if (head === 4) {
    frame[1] = 126;
    frame.writeUInt16BE(length, 2);
  } else {
    frame[1] = 127;
    frame.writeUInt32BE(Math.floor(length / 2 ** 32), 2);
    frame.writeUInt32BE(length % 2 ** 32, 6);
  }
  return {frame, head};
}
