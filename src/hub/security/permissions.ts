import type {EpisodeChange, SaidStanding} from '../../model/episode.ts';
import type {HubRole, MessageKind} from '../../model/hub.ts';

/** Frames of a client that are one action each; those that are not are cut finer below. */
type PlainFrame =
  | 'hello'
  | 'refresh'
  | 'pull'
  | 'push'
  | 'recall'
  | 'get'
  | 'states'
  | 'presence'
  | 'who'
  | 'subscribe'
  | 'received'
  | 'stats';

/**
 * `own`: about an episode of an agent one speaks for, such as oneself. `one`: to one agent; `all`: to everybody in the tenant or of a
 * topic. `push.for`: items in the name of an agent beneath one's own name, see `speaksFor`.
 */
export type HubAction =
  | PlainFrame
  | 'push.for'
  | `key.${'own' | 'others'}`
  | `message.${MessageKind}.${'one' | 'all'}`
  | `document.${'read' | 'write'}`
  | `change.${Exclude<EpisodeChange['kind'], 'standing'>}`
  | `standing.${SaidStanding}.${'own' | 'others'}`;

const all: readonly HubRole[] = ['worker', 'reader', 'coordinator', 'admin'];
const writers: readonly HubRole[] = ['worker', 'coordinator', 'admin'];
const leaders: readonly HubRole[] = ['coordinator', 'admin'];
const admins: readonly HubRole[] = ['admin'];
const nobody: readonly HubRole[] = [];

/**
 * Who may do what in their own tenant; nobody may do anything in another. A reader writes nothing, not even its presence. `push`
 * lets somebody send items; what they change is asked of each of them.
 */
export const PERMISSIONS = {
  hello: all,
  refresh: all,
  pull: all,
  push: writers,
  'push.for': leaders,
  'key.own': writers,
  'key.others': admins,
  recall: all,
  get: all,
  states: all,
  presence: writers,
  who: all,
  subscribe: all,
  received: all,
  stats: all,
  'message.message.one': writers,
  'message.message.all': writers,
  'message.task_assignment.one': writers,
  'message.task_assignment.all': leaders,
  'message.task_complete.one': writers,
  'message.task_complete.all': writers,
  'message.request_help.one': writers,
  'message.request_help.all': writers,
  'message.share_knowledge.one': writers,
  'message.share_knowledge.all': writers,
  'message.status_update.one': writers,
  'message.status_update.all': writers,
  'document.read': all,
  'document.write': writers,
  'change.vote': writers,
  'change.use': writers,
  'change.tag': writers,
  'change.critique': writers,
  'change.confirm': writers,
  // Only the hub itself, which asks nobody.
  'change.merge': nobody,
  'change.tally': nobody,
  // Who is quarantined does not end that by itself.
  'standing.active.own': leaders,
  'standing.active.others': leaders,
  'standing.quarantined.own': leaders,
  'standing.quarantined.others': leaders,
  'standing.forgotten.own': writers,
  'standing.forgotten.others': leaders,
} as const satisfies Record<HubAction, readonly HubRole[]>;

export function permits(role: HubRole, action: HubAction): boolean {
  // What is not in the table, whatever its type says, nobody may do.
  return Object.hasOwn(PERMISSIONS, action) && PERMISSIONS[action].includes(role);
}

export function messageAction({kind, to}: {readonly kind: MessageKind; readonly to: string | null}): HubAction {
  return `message.${kind}.${to === null ? 'all' : 'one'}`;
}

export function documentAction({update}: {readonly update: string | null}): HubAction {
  return update === null ? 'document.read' : 'document.write';
}

/** A key that names no agent, or this one, is its own. */
export function keyAction({agentId}: {readonly agentId: string | null}, self: string): HubAction {
  return agentId === null || agentId === self ? 'key.own' : 'key.others';
}

/** `whose`: whether the episode is of an agent one speaks for; one that is not known is somebody else's. */
export function changeAction(change: EpisodeChange, whose: 'own' | 'others'): HubAction {
  if (change.kind !== 'standing') return `change.${change.kind}`;
  return `standing.${change.standing}.${whose}`;
}
