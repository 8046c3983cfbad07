import {crc32} from 'node:zlib';
import {fail, ok, type Result} from '../../base/result.ts';
import {rotatedDimensions} from './rotation.ts';

/** What an index holds, by slot. */
export type Contents =
  | {
      readonly kind: 'exact';
      readonly dimensions: number;
      readonly keys: Float64Array;
      /** Unit vectors, one after the other. */
      readonly vectors: Float32Array;
    }
  | {
      readonly kind: 'quantised';
      readonly dimensions: number;
      readonly keys: Float64Array;
      readonly scales: Float32Array;
      /** As `CodeStore` holds them, with `rotatedDimensions` each. */
      readonly codes: Uint8Array;
      readonly rests: Uint8Array;
    };

/** foreign: no snapshot at all, or of another version. other-embedder: its vectors cannot be compared with the new ones. */
export interface SnapshotFailure {
  readonly kind: 'foreign' | 'truncated' | 'corrupt' | 'other-embedder';
  readonly detail: string;
}

const MAGIC = 'godelvec';
/** Rises whenever the same vector would be stored as other bytes: the rotation and the codes count. */
const VERSION = 1;
const KINDS = ['exact', 'quantised'] as const;
/** Magic 8, version 4, kind 4, dimensions 4, length of the embedder's id 4, count 8, body's checksum 4, head's checksum 4. */
const HEAD_BYTES = 40;

/** All numbers are little-endian. The id of the embedder follows the head, then keys and whatever the kind has. */
export function packSnapshot(contents: Contents, embedder: string): Buffer {
  const id = Buffer.from(embedder, 'utf8');
  const parts = [id, ...bodyOf(contents)];
  const total = parts.reduce((sum, part) => sum + part.byteLength, HEAD_BYTES);
  const bytes = Buffer.allocUnsafe(total);
  let at = HEAD_BYTES;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.byteLength;
  }
  bytes.write(MAGIC, 0, 'latin1');
  bytes.writeUInt32LE(VERSION, 8);
  bytes.writeUInt32LE(KINDS.indexOf(contents.kind), 12);
  bytes.writeUInt32LE(contents.dimensions, 16);
  bytes.writeUInt32LE(id.length, 20);
  bytes.writeBigUInt64LE(BigInt(contents.keys.length), 24);
  bytes.writeUInt32LE(crc32(bytes.subarray(HEAD_BYTES)), 32);
  bytes.writeUInt32LE(crc32(bytes.subarray(0, 36)), 36);
  return bytes;
}

/** Checks everything before it believes anything: head, length, checksum, embedder, keys and numbers. */
export function unpackSnapshot(
  bytes: Buffer,
  embedder: {readonly id: string; readonly dimensions: number},
): Result<Contents, SnapshotFailure> {
  const head = readHead(bytes);
  if (!head.ok) return head;
  const {kind, dimensions, idBytes, count, checksum} = head.value;
  const need = HEAD_BYTES + idBytes + count * bytesPerVector(kind, dimensions);
  if (bytes.length !== need) {
    return failed('truncated', `The snapshot of the vector index has ${bytes.length} bytes and should have ${need}.`);
  }
  if (crc32(bytes.subarray(HEAD_BYTES)) !== checksum) {
    return failed('corrupt', 'The snapshot of the vector index is damaged: its checksum does not fit.');
  }
  const id = bytes.toString('utf8', HEAD_BYTES, HEAD_BYTES + idBytes);
  if (id !== embedder.id || dimensions !== embedder.dimensions) {
    const detail = `The snapshot of the vector index is of ${id} (${dimensions} dimensions), not of ${embedder.id} (${embedder.dimensions}).`;
    return failed('other-embedder', detail);
  }
  const contents = read(bytes, HEAD_BYTES + idBytes, {kind, dimensions, count});
  const odd = contents.keys.find(key => !Number.isSafeInteger(key) || key < 0);
  if (odd !== undefined) return failed('corrupt', `The snapshot of the vector index has the key ${odd}.`);
  return ok(contents);
}

interface Head {
  readonly kind: Contents['kind'];
  readonly dimensions: number;
  readonly idBytes: number;
  readonly count: number;
  readonly checksum: number;
}

function readHead(bytes: Buffer): Result<Head, SnapshotFailure> {
  if (bytes.length < 8 || bytes.toString('latin1', 0, 8) !== MAGIC) {
    return failed('foreign', 'This is no snapshot of a vector index.');
  }
  if (bytes.length < HEAD_BYTES) return failed('truncated', 'The snapshot of the vector index breaks off in its head.');
  if (bytes.readUInt32LE(36) !== crc32(bytes.subarray(0, 36))) {
    return failed('corrupt', 'The head of the snapshot of the vector index is damaged: its checksum does not fit.');
  }
  const version = bytes.readUInt32LE(8);
  const kind = KINDS[bytes.readUInt32LE(12)];
  if (version !== VERSION || kind === undefined) {
    return failed('foreign', `The snapshot of the vector index has version ${version}; this program reads ${VERSION}.`);
  }
  return ok({
    kind,
    dimensions: bytes.readUInt32LE(16),
    idBytes: bytes.readUInt32LE(20),
    count: Number(bytes.readBigUInt64LE(24)),
    checksum: bytes.readUInt32LE(32),
  });
}

function bytesPerVector(kind: Contents['kind'], dimensions: number): number {
  return kind === 'exact' ? 8 + 4 * dimensions : 8 + 4 + 1.5 * rotatedDimensions(dimensions);
}

function bodyOf(contents: Contents): readonly Uint8Array[] {
  const {keys} = contents;
  if (contents.kind === 'exact') return [bytesOf(keys), bytesOf(contents.vectors)];
  return [bytesOf(keys), bytesOf(contents.scales), contents.codes, contents.rests];
}

function bytesOf(array: Float32Array | Float64Array): Uint8Array {
  return new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
}

/** Keys and numbers are copied, because nothing says that a file's bytes lie where numbers may; codes are only looked at. */
function read(bytes: Buffer, start: number, {kind, dimensions, count}: Omit<Head, 'idBytes' | 'checksum'>): Contents {
  let at = start;
  const take = (length: number) => bytes.subarray(at, (at += length));
  const floats = (length: number) => new Float32Array(Uint8Array.from(take(4 * length)).buffer);
  const keys = new Float64Array(Uint8Array.from(take(8 * count)).buffer);
  if (kind === 'exact') return {kind, dimensions, keys, vectors: floats(count * dimensions)};
  const scales = floats(count);
  const size = rotatedDimensions(dimensions);
  return {kind, dimensions, keys, scales, codes: take(count * size), rests: take((count * size) / 2)};
}

function failed(
  kind: SnapshotFailure['kind'],
  detail: string,
): {readonly ok: false; readonly failure: SnapshotFailure} {
  return fail({kind, detail});
}
