import type {JsonValue} from '../../base/json.ts';
import type {Edit} from '../replica/document-parts.ts';
import type {DocumentFailure} from '../replica/document-update.ts';
import type {SharedDocument} from '../replica/shared-document.ts';
import {HubError, type HubClientCode} from './hub-error.ts';

/**
 * A text that several write at once. Places are counted in UTF-16 units from 0. What cannot be written throws a HubError: `bad-option` for a
 * place that is not there, `storage-full`, `too-large`, or `forbidden` to a reader.
 */
export interface DocumentText {
  readonly length: number;
  toString(): string;
  insert(index: number, text: string): void;
  delete(index: number, count?: number): void;
}

/** Keys to JSON; of one key one of the last writers wins, the same one everywhere. Throws as `DocumentText`. */
export interface DocumentMap {
  readonly size: number;
  get(key: string): JsonValue | undefined;
  entries(): ReadonlyMap<string, JsonValue>;
  set(key: string, value: JsonValue): void;
  delete(key: string): void;
}

/** A list of JSON. What several insert at one place stands there one after the other. Throws as `DocumentText`. */
export interface DocumentList {
  readonly length: number;
  values(): readonly JsonValue[];
  push(...values: readonly JsonValue[]): void;
  insert(index: number, ...values: readonly JsonValue[]): void;
  delete(index: number, count?: number): void;
}

/** `expectWritable` throws a HubError where nothing may be written. */
interface Source {
  readonly document: SharedDocument;
  readonly expectWritable: () => void;
}

export function documentText({document, expectWritable}: Source, name: string): DocumentText {
  const text = document.text(name);
  const write = writer(expectWritable);
  return {
    get length() {
      return text.length;
    },
    toString: () => text.toString(),
    insert: (index, added) => write(() => text.insert(index, added)),
    delete: (index, count = 1) => write(() => text.delete(index, count)),
  };
}

export function documentMap({document, expectWritable}: Source, name: string): DocumentMap {
  const map = document.map(name);
  const write = writer(expectWritable);
  return {
    get size() {
      return map.entries().size;
    },
    get: key => map.get(key),
    entries: () => map.entries(),
    set: (key, value) => write(() => map.set(key, value)),
    delete: key => write(() => map.delete(key)),
  };
}

export function documentList({document, expectWritable}: Source, name: string): DocumentList {
  const list = document.list(name);
  const write = writer(expectWritable);
  return {
    get length() {
      return list.length;
    },
    values: () => list.values(),
    push: (...values) => write(() => list.insert(list.length, values)),
    insert: (index, ...values) => write(() => list.insert(index, values)),
    delete: (index, count = 1) => write(() => list.delete(index, count)),
  };
}

const CODES: Record<DocumentFailure['kind'], HubClientCode> = {
  malformed: 'bad-frame',
  gap: 'bad-frame',
  'too-large': 'too-large',
  full: 'storage-full',
  'bad-edit': 'bad-option',
};

export function documentError(name: string, {kind, detail}: DocumentFailure): HubError {
  return new HubError(CODES[kind], `The document ${name}: ${detail}`);
}

function writer(expectWritable: () => void): (edit: () => Edit) => void {
  return edit => {
    expectWritable();
    const edited = edit();
    if (!edited.ok) throw new HubError(CODES[edited.failure.kind], edited.failure.detail);
  };
}
