import type {OutputPart, OutputQuery} from '../api/contract.ts';
import {ok, type Result} from '../base/result.ts';
import type {Failure} from '../model/failure.ts';
import type {TaskRow} from '../model/row.ts';
import {instanceOutputFile, outputFile} from './output-paths.ts';
import type {ReadPart} from './outputs.ts';

/**
 * A stretch of what a task has put out: of the file that it is in, by its ending. Empty where there is none: the task puts
 * nothing out, or has not succeeded.
 */
export async function readTaskOutput(
  {id, seq}: Pick<TaskRow, 'id' | 'seq'>,
  {offset, length, read}: Required<Pick<OutputQuery, 'offset' | 'length'>> & {readonly read: ReadPart},
): Promise<Result<OutputPart, Failure>> {
  for (const kind of ['text', 'json'] as const) {
    const of = /^([^[]+)\[/.exec(id)?.[1];
    const file = of === undefined ? outputFile(id, kind) : instanceOutputFile({of, id, seq}, kind);
    const part = await read({file, offset, length});
    if (!part.ok) return part;
    const {data, size} = part.value;
    if (size !== null) return ok({v: 1, data, offset, size});
  }
  return ok({v: 1, data: Buffer.alloc(0), offset, size: null});
}
