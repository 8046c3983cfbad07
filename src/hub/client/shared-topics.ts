import type {HubAdapter} from './hub-adapter.ts';

/** What each user of a connection follows: to the hub a connection has one subscription. */
const FOLLOWED = new WeakMap<HubAdapter, Map<object, readonly string[]>>();

/** From now on this user follows these topics. Answers all that are followed over the connection. */
export function follow(adapter: HubAdapter, user: object, topics: readonly string[]): readonly string[] {
  const users = FOLLOWED.get(adapter) ?? new Map<object, readonly string[]>();
  FOLLOWED.set(adapter, users.set(user, topics));
  return followed(adapter);
}

/** This user follows nothing any more. Answers what the others do. */
export function unfollow(adapter: HubAdapter, user: object): readonly string[] {
  FOLLOWED.get(adapter)?.delete(user);
  return followed(adapter);
}

function followed(adapter: HubAdapter): readonly string[] {
  return [...new Set([...(FOLLOWED.get(adapter)?.values() ?? [])].flat())];
}
