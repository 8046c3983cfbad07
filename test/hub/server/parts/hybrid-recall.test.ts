import {afterEach, beforeEach, expect, test} from 'vitest';
import {hashedEmbedder} from '../../../../src/hub/recall/hashed-embedder.ts';
import {HybridRecall} from '../../../../src/hub/server/parts/hybrid-recall.ts';
import {TenantIndexes} from '../../../../src/hub/server/parts/tenant-indexes.ts';
import {VectorFollower} from '../../../../src/hub/server/parts/vector-follower.ts';
import type {SqliteHubStore} from '../../../../src/hub/server/store/sqlite-hub-store.ts';
import {item} from '../store/sample-episodes.ts';
import {StoreRig} from '../store/store-rig.ts';

let rig: StoreRig;
beforeEach(() => {
  rig = new StoreRig();
});
afterEach(() => rig[Symbol.dispose]());

/** Recall over a store; `follower` makes vectors once it is woken. */
function recallOver(store: SqliteHubStore) {
  const embedder = hashedEmbedder();
  const {vectors} = store;
  const onEvent = () => undefined;
  const indexes = new TenantIndexes({vectors, embedder, maxBytes: 2 ** 24});
  const follower = new VectorFollower({vectors, embedder, indexes, settle: () => undefined, onEvent});
  const parts = {store, embedder, indexes, follower, onEvent, onAdded: () => undefined};
  return {follower, recall: new HybridRecall({...parts, quorum: 0, wallMs: Date.now})};
}

test.each(['words', 'vectors'] as const)(
  'what few have a tag is found behind thousands that fit better, by %s',
  async by => {
    const store = rig.open();
    const {recall, follower} = recallOver(store);
    const others = Array.from({length: 3300}, (_, index) =>
      item({task: 'compile the parser', input: '', output: `v${index}`, tags: ['often']}),
    );
    const rest = {input: 'a long text about other things', output: '', tags: ['seldom', 'often']};
    const [task, asked] =
      by === 'words' ? ['parser', 'compile the parser'] : ['compiling parsers', 'compile the parse'];
    store.append('a', [
      ...others,
      item({id: 'wanted', task, ...rest}),
      item({id: 'like', task: 'seldom', ...rest, tags: ['seldo']}),
    ]);
    expect(store.flush()).toMatchObject({ok: true});
    if (by === 'vectors') {
      follower.wake();
      await expect.poll(() => recall.unembedded('a'), {timeout: 30_000}).toBe(0);
    }
    await follower.close();
    const find = async (tags: readonly string[]) => {
      const memories = await recall.recall('a', {query: asked, k: 5, by: null, tags});
      return memories.map(({episode}) => episode.id);
    };
    expect(await find(['seldom'])).toEqual(['wanted']);
    expect(await find(['often', 'seldom'])).toEqual(['wanted']);
    expect(await find(['never'])).toEqual([]);
    expect(await find(['often'])).toHaveLength(5);
  },
);
