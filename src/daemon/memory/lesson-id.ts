import {createHash} from 'node:crypto';

/**
 * An id of the form of a UUIDv7 (RFC 9562, 5.7) whose bits beside the time are made of `of`: whoever makes it again from the same
 * gets the same, so that what is told twice is known to be one. `atMs`: Unix epoch, milliseconds.
 */
export function lessonId(atMs: number, of: readonly (string | number)[]): string {
  const bytes = createHash('sha256').update(JSON.stringify(of)).digest().subarray(0, 16);
  bytes.writeUIntBE(Math.max(0, Math.floor(atMs)), 0, 6);
  bytes.writeUInt8(0x70 | (bytes.readUInt8(6) & 0x0f), 6);
  bytes.writeUInt8(0x80 | (bytes.readUInt8(8) & 0x3f), 8);
  const hex = bytes.toString('hex');
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}
