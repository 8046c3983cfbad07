import type {HubIdentity} from '../../model/hub.ts';
import {nameProblem} from './names.ts';
import {permits} from './permissions.ts';

/** Who speaks, as a verified token (or the hub's welcome) says; the tenant is that of the connection and of nothing else. */
export type Speaker = Pick<HubIdentity, 'agentId' | 'role'>;

/**
 * Whether what is in this agent's name may come from this speaker: everybody speaks for itself, and who leads also for the agents
 * beneath its own name, as `godel` for `godel/alpha-01`. Hub and client ask this and nothing else.
 */
export function speaksFor({agentId, role}: Speaker, name: string): boolean {
  if (name === agentId) return true;
  const prefix = `${agentId}/`;
  return (
    permits(role, 'push.for') && name.startsWith(prefix) && name.length > prefix.length && nameProblem(name) === null
  );
}
