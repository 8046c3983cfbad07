import type {HubEvent} from '../hub/process/run-hub.ts';
import {failureOf} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';

/** For the operator; null: it is in the database, and nothing to act on. */
export function hubEventText(event: HubEvent): string | null {
  switch (event.kind) {
    case 'agent-joined':
    case 'agent-left':
    case 'token-refreshed':
    case 'key-added':
    case 'key-removed':
    case 'task-assigned':
    case 'refused':
    case 'merged':
      return null;
    case 'flush-failed':
      return `${event.full ? 'the disk is full' : 'the database cannot be written'}: ${event.detail}`;
    case 'upkeep-failed':
      return `${event.what}: ${event.detail}`;
    case 'retired':
      return `${event.episodes} episodes of ${event.tenant} were forgotten`;
    case 'backed-up':
      return `a backup was made: ${event.file}`;
    case 'unexpected':
      return failureText(failureOf(event.error));
  }
}
