import type {EpisodeChange} from '../../model/episode.ts';
import {speaksFor} from '../security/delegation.ts';
import {changeAction, permits} from '../security/permissions.ts';
import type {HubReplica} from './hub-replica.ts';

/**
 * Whether the hub will take such a change of an episode of `owner` (null: not known whose) from us; null: it is not connected, so what
 * we may do there is not known.
 */
export function mayChange(
  hub: Pick<HubReplica, 'adapter'>,
  change: EpisodeChange,
  owner: string | null,
): boolean | null {
  const welcome = hub.adapter?.welcome ?? null;
  if (welcome === null) return null;
  const isOurs = owner !== null && speaksFor(welcome, owner);
  return permits(welcome.role, changeAction(change, isOurs ? 'own' : 'others'));
}
