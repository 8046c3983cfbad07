import {formatDuration} from '../../base/duration.ts';
import type {ProviderId} from '../../model/provider.ts';
import type {GateState} from './gate.ts';

const CAUSES = {
  throttled: 'too many requests',
  overloaded: 'overloaded',
  quota: 'quota used up',
} as const satisfies Record<GateState['because'], string>;

const SECONDS_MS = 15_000;
const MINUTE_MS = 60_000;

/** Why no more attempts use a provider just now. Worded so that it does not change all the time. */
export function gateText(
  provider: ProviderId,
  {limit, notBeforeMs, because, then}: GateState,
  {nowMs, isShared}: {readonly nowMs: number; readonly isShared: boolean},
): string {
  if (nowMs < notBeforeMs) return `${provider}: ${CAUSES[because]}, next try ${inAbout(notBeforeMs - nowMs)}`;
  if (then === 'one') return `${provider}: ${CAUSES[because]}, one attempt at a time until it answers again`;
  if (limit === null) return `${provider}: ${CAUSES[because]} until now, attempts start one after the other`;
  const rule = `${provider} allows ${limit} at a time just now`;
  return isShared ? `${rule}, shared with other projects of yours` : rule;
}

function inAbout(ms: number): string {
  if (ms <= SECONDS_MS) return 'in a few seconds';
  return ms <= MINUTE_MS ? 'in less than a minute' : `in ${formatDuration(Math.ceil(ms / MINUTE_MS) * MINUTE_MS)}`;
}
