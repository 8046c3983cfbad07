import {z} from 'zod';
import {type Ejection, LEAST_EJECTION_MS, MOST_EJECTION_FAILURES, MOST_EJECTION_MS} from '../model/ejection.ts';
import {duration, expected, whole} from './schema-values.ts';
import {parseTimeout} from './timeout.ts';

/** The part of the plan document that says when agents that fail are left out. */
const shareText = 'a number from 0 to 1';
const timeText = 'a time from 100 ms to 1 hour, such as `30s`';
const mappingText = 'a mapping with `failures`, `time`, `share` or `interval`';

const time = duration.refine(value => {
  const ms = parseTimeout(value);
  return ms !== null && ms >= LEAST_EJECTION_MS && ms <= MOST_EJECTION_MS;
}, expected(timeText));

export const ejectFields = z.strictObject(
  {
    failures: whole(1, MOST_EJECTION_FAILURES)
      .meta({description: 'Failures in a row that are too many; default 5'})
      .optional(),
    time: time
      .meta({description: 'How long it is left out the first time, then twice as long each time; default 30s'})
      .optional(),
    share: z
      .number(expected(shareText))
      .min(0, expected(shareText))
      .max(1, expected(shareText))
      .meta({description: 'Part of the team that may be left out at a time; 0: nobody; default 0.1'})
      .optional(),
    interval: time
      .meta({description: 'How often those are looked at again for whom that had no room; default 10s'})
      .optional(),
  },
  expected(mappingText),
);
export const ejectSchema = z
  .union([z.literal(false, expected('`false`')), ejectFields], expected(`\`false\`, or ${mappingText}`))
  .meta({description: 'When agents that fail are given nothing for a while; false: never'});

export type EjectDocument = z.infer<typeof ejectSchema>;

/** What the plan says of it; the rest is as the settings have it. */
export function ejectionOf(document: EjectDocument): Partial<Ejection> {
  if (document === false) return {share: 0};
  const {failures, time, share, interval} = document;
  const timeMs = time === undefined ? null : parseTimeout(time);
  const intervalMs = interval === undefined ? null : parseTimeout(interval);
  return {
    ...(failures === undefined ? {} : {failures}),
    ...(timeMs === null ? {} : {timeMs}),
    ...(share === undefined ? {} : {share}),
    ...(intervalMs === null ? {} : {intervalMs}),
  };
}
