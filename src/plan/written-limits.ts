import {parseSize} from '../base/size.ts';
import type {AttemptLimits} from '../model/health.ts';
import type {TeamLimits} from '../model/plan.ts';
import type {LimitsDocument, TeamLimitsDocument} from './schema-limits.ts';

/** What is written of an attempt, as numbers. */
export function attemptLimits({memory, cpus, nice, output, disk, tokens}: LimitsDocument): AttemptLimits {
  return {
    ...bytesOf('memoryBytes', memory),
    ...(nice !== undefined && {nice}),
    ...(cpus !== undefined && {cpus}),
    ...bytesOf('outputBytes', output),
    ...bytesOf('diskBytes', disk),
    ...(tokens !== undefined && {tokens}),
  };
}

/** The same of a team. */
export function teamLimitsOf({memory, cpus, output}: TeamLimitsDocument): TeamLimits {
  return {...bytesOf('memoryBytes', memory), ...(cpus !== undefined && {cpus}), ...bytesOf('outputBytes', output)};
}

function bytesOf(key: 'memoryBytes' | 'outputBytes' | 'diskBytes', size: string | undefined): AttemptLimits {
  const bytes = size === undefined ? null : parseSize(size);
  return bytes === null ? {} : {[key]: bytes};
}
