import type {PresenceNote} from '../../model/hub.ts';
import {tenantSeal} from './end-to-end.ts';
import type {HubAdapter, HubMember} from './hub-adapter.ts';
import {badOption} from './hub-error.ts';
import type {RealtimeOptions} from './realtime-options.ts';
import {sealedPresence, SealingHub} from './sealing-hub.ts';
import {WebSocketHub} from './web-socket-hub.ts';

type Who = Pick<HubMember, 'agentId' | 'tenantId'>;

/** A connection for a realtime hub alone. Throws a HubError `bad-option`. */
export function realtimeAdapter(
  {agentId, tenantId}: Who,
  presence: PresenceNote,
  options: RealtimeOptions,
): HubAdapter {
  const seal = tenantSeal(tenantId, options.endToEnd);
  if (seal === null) return plainAdapter({agentId, tenantId}, presence, options);
  const made = plainAdapter({agentId, tenantId}, sealedPresence(seal, presence, agentId), options);
  return new SealingHub(made, {seal, agentId});
}

function plainAdapter(of: Who, presence: PresenceNote, options: RealtimeOptions): HubAdapter {
  const {hubAdapter, endpoint, token, sessionId = null, topics = []} = options;
  const who = {...of, sessionId};
  if (typeof hubAdapter === 'function') return hubAdapter(who);
  if (hubAdapter !== undefined) return hubAdapter;
  if (endpoint === undefined || token === undefined) {
    throw badOption('Give an endpoint and a token, or a hub that is connected already, or a hubAdapter');
  }
  const subscription = {news: true, topics};
  const {alarms, certPath, keyPath, caPath, allowPlaintext} = options;
  const connection = {...who, endpoint, token, certPath, keyPath, caPath, allowPlaintext, presence, subscription};
  return new WebSocketHub({...connection, ...(alarms && {alarms})});
}
