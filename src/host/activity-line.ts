import {formatDuration} from '../base/duration.ts';
import {never} from '../base/never.ts';
import type {Activity} from '../runtimes/agent-runtime.ts';

/** One line for the log that a person can read, before shortening; null for what is not worth one. */
export function activityLine(activity: Activity): string | null {
  switch (activity.kind) {
    case 'session':
      return `[session ${activity.id}]`;
    case 'message':
      return activity.text.trim() === '' ? null : activity.text;
    case 'tool':
      return activity.detail === '' ? `> ${activity.name}` : `> ${activity.name}: ${activity.detail}`;
    case 'edit':
      return `> edits ${activity.path}`;
    case 'permission':
      return `! ${activity.granted ? 'was allowed' : 'was denied'} ${activity.what}`;
    case 'retry':
      return `! ${retryText(activity)}`;
    case 'noise':
      return activity.text;
    case 'usage':
      return null;
    default:
      return never(activity);
  }
}

function retryText({cause, delayMs, detail}: Extract<Activity, {kind: 'retry'}>): string {
  const when = delayMs === null ? 'tries again' : `tries again in ${formatDuration(delayMs)}`;
  const why = {
    throttled: 'the provider limits the rate of requests',
    quota: 'the quota is used up',
    overloaded: 'the provider is overloaded',
    other: 'the request failed',
  }[cause];
  return detail === '' ? `${when}: ${why}` : `${when}: ${why} (${detail})`;
}
