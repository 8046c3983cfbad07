import type {LogItem} from '../../model/episode.ts';
import type {ClientFrame} from '../../wire/hub-protocol.ts';

type PushItem = Extract<ClientFrame, {type: 'push'}>['items'][number];

/** As they go into a frame. The protocol's types have arrays that may be changed; nobody does. */
export function pushItem(item: LogItem): PushItem {
  if (item.kind === 'episode') {
    return {kind: 'episode', episode: {...item.episode, tags: [...item.episode.tags]}};
  }
  const {change} = item;
  // Of the hub alone, and so never on the way to it.
  if (change.kind === 'merge' || change.kind === 'tally') throw new Error(`Internal error: a push of ${change.kind}`);
  if (change.kind !== 'tag') return {kind: 'change', change};
  return {kind: 'change', change: {...change, add: [...change.add], remove: [...change.remove]}};
}
