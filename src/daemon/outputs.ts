import type {JsonValue} from '../base/json.ts';
import {fail, ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {OutputKind} from '../model/task.ts';

/** A part of a file of a team, read through a host of the machine that has it. */
export type ReadPart = (asked: {
  readonly file: string;
  readonly offset: number;
  readonly length: number;
}) => Promise<Result<FilePart, Failure>>;

export interface FilePart {
  readonly data: Buffer;
  /** Of the whole file; null when there is none. */
  readonly size: number | null;
}

const PART_BYTES = 1024 * 1024;

/** The output a task has put out, as a value: lines without the empty one at the end, or what its JSON says. */
export async function readOutput({
  read,
  file,
  kind,
  capBytes,
}: {
  readonly read: ReadPart;
  readonly file: string;
  readonly kind: OutputKind;
  readonly capBytes: number;
}): Promise<Result<JsonValue, Failure>> {
  const parts: Buffer[] = [];
  for (let offset = 0; ; ) {
    const part = await read({file, offset, length: PART_BYTES});
    if (!part.ok) return part;
    const {data, size} = part.value;
    if (size === null) return fail({reason: 'foreach-invalid', detail: `its output file ${file} is missing`});
    if (size > capBytes) return fail({reason: 'output-too-large', limitBytes: capBytes});
    parts.push(data);
    offset += data.length;
    if (offset >= size || data.length === 0) return parseOutput(Buffer.concat(parts).toString('utf8'), kind);
  }
}

export function parseOutput(text: string, kind: OutputKind): Result<JsonValue, Failure> {
  switch (kind) {
    case 'text':
      return ok(text);
    case 'lines': {
      const lines = text.split('\n');
      if (lines.at(-1) === '') lines.pop();
      return ok(lines);
    }
    case 'json':
      try {
        // JSON.parse gives nothing but JSON values.
        return ok(JSON.parse(text) as JsonValue);
      } catch (error) {
        const detail = error instanceof Error ? error.message : String(error);
        return fail({reason: 'output-invalid', expected: 'json', detail});
      }
  }
}
