import type {Now} from '../base/clock.ts';
import type {EventBody} from '../model/event.ts';
import type {TeamId} from '../model/ids.ts';
import type {StateRecord} from '../model/record.ts';
import type {Effect, Step} from './engine-io.ts';

/** One call of `Engine.handle` in the making: collects what it records and what is to be done afterwards. */
export class Turn {
  readonly now: Now;
  readonly step: Step = {records: [], effects: []};

  constructor(now: Now) {
    this.now = now;
  }

  record(record: StateRecord): void {
    this.step.records.push(record);
  }

  emit(teamId: TeamId | null, body: EventBody): void {
    this.step.records.push({kind: 'event', event: {teamId, atMs: this.now.wallMs, body}});
  }

  effect(effect: Effect): void {
    this.step.effects.push(effect);
  }
}
