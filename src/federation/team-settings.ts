import {fail, ok, type Result} from '../base/result.ts';
import {type Autoscale, DEFAULT_SETTINGS, type TeamSettings} from '../model/autoscale.ts';
import type {Failure} from '../model/failure.ts';
import type {TeamSpec} from '../model/team.ts';
import type {TeamChange} from './engine-io.ts';

/** More than any team may have, however it is configured. */
const MOST_AGENTS = 10_000;

/** What a team begins with. */
export function settingsOf({autoscale, strategy, ejection, onBudget}: TeamSpec): TeamSettings {
  return {
    ...DEFAULT_SETTINGS,
    ...(autoscale ? {autoscale} : {}),
    ...(strategy ? {strategy} : {}),
    ...(ejection ? {ejection} : {}),
    ...(onBudget ? {onBudget} : {}),
  };
}

/** What they are after the change; a count that somebody asks for is kept until something else is asked for. */
export function changedSettings(settings: TeamSettings, {count, autoscale, strategy}: TeamChange): TeamSettings {
  const isOff = autoscale === 'off' || (count !== undefined && autoscale === undefined);
  return {
    ...settings,
    autoscale: isOff ? null : autoscale === undefined ? settings.autoscale : autoscale,
    strategy: strategy ?? settings.strategy,
  };
}

/** The same, and not paused. */
export function goingOn({autoscale, strategy, ejection, onBudget}: TeamSettings): TeamSettings {
  return {autoscale, strategy, ...(ejection ? {ejection} : {}), paused: false, onBudget};
}

/** Whether the numbers in it make sense. */
export function checkChange({count, autoscale}: TeamChange): Result<void, Failure> {
  if (count !== undefined && !isCount(count, 0)) {
    return outOfRange('count', count, `a whole number from 0 to ${MOST_AGENTS}`);
  }
  return autoscale === undefined || autoscale === 'off' ? ok(undefined) : checkAutoscale(autoscale);
}

function checkAutoscale({min, max, scaleUpThreshold, scaleDownThreshold, idleMs, maxCostPerHour}: Autoscale) {
  if (!isCount(min, 0)) return outOfRange('min', min, `a whole number from 0 to ${MOST_AGENTS}`);
  const least = Math.max(1, min);
  if (!isCount(max, least)) return outOfRange('max', max, `a whole number from ${least} to ${MOST_AGENTS}`);
  if (!(scaleUpThreshold >= 0)) return outOfRange('scaleUpThreshold', scaleUpThreshold, 'at least 0');
  const isPart = scaleDownThreshold >= 0 && scaleDownThreshold <= 1;
  if (!isPart) return outOfRange('scaleDownThreshold', scaleDownThreshold, 'from 0 to 1');
  if (!(idleMs > 0)) return outOfRange('idleMs', idleMs, 'greater than 0');
  const isPaid = maxCostPerHour === null || maxCostPerHour >= 0;
  return isPaid ? ok(undefined) : outOfRange('maxCostPerHour', maxCostPerHour, 'at least 0');
}

function isCount(value: number, least: number): boolean {
  return Number.isInteger(value) && value >= least && value <= MOST_AGENTS;
}

function outOfRange(what: string, value: number, range: string): Result<void, Failure> {
  return fail({reason: 'out-of-range', what, value: String(value), range});
}
