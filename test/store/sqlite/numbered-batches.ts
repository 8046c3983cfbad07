import type {EngineRecord} from '../../../src/model/record.ts';
import * as some from '../sample-records.ts';

export const firstBatch: readonly EngineRecord[] = [some.created(1)];

/** Everything that happens to task `number`, from its creation to its end, with one event. */
export function batch(number: number): EngineRecord[] {
  return [
    some.tasksCreated(1, [some.task(number)]),
    some.leased(1, number, number),
    some.event(1, {type: 'waiting-for-capacity', why: `${number} ${'x'.repeat(500)}`}),
    some.ended(number, some.success()),
    some.stateOf(1, number, {name: 'succeeded'}),
  ];
}
