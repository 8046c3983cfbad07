import type {AtHub} from '../../api/memory-contract.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import {HubError} from '../../hub/client/hub-error.ts';
import {mayChange} from '../../hub/client/rights.ts';
import {uuidV7} from '../../hub/client/uuid-v7.ts';
import type {EpisodeChange, KeptMemory, LogItem, SaidStanding} from '../../model/episode.ts';
import {type Failure, failureOf} from '../../model/failure.ts';
import type {OpenMemory} from './cached-memory.ts';
import {nextTurn} from './turns.ts';

/** Who a person at the command line is. */
const USER = 'user';
/** How long a request waits for the hub to keep what was changed, in milliseconds; what was kept here goes there in any case. */
const KEEP_MS = 1000;
/** The same where more was changed than a few things. */
const KEEP_MANY_MS = 10_000;
const FEW = 100;
/** Written in one turn of the event loop: each takes some tens of microseconds. */
const AT_ONCE = 20;

export function userOf({nameOf}: OpenMemory): string {
  return nameOf(USER);
}

/** Changes the standing of all of these, or of none where the hub would not take it. */
export async function changeStanding(
  opened: OpenMemory,
  memories: readonly Pick<KeptMemory, 'episode'>[],
  standing: SaidStanding,
): Promise<Result<AtHub, Failure>> {
  const items: LogItem[] = [];
  for (const {episode} of memories) {
    const change: EpisodeChange = {
      id: uuidV7(),
      episode: episode.id,
      by: userOf(opened),
      at: opened.cache.stamp(),
      kind: 'standing',
      standing,
    };
    if (opened.hub !== null && mayChange(opened.hub, change, episode.agentId) === false) {
      return fail(refused(`its role there is ${opened.hub.adapter?.welcome?.role ?? 'not known'}`));
    }
    items.push({kind: 'change', change});
  }
  await writeAll(opened, items);
  return reachHub(
    opened,
    items.map(item => idOf(item)),
  );
}

export async function writeAll({keep}: OpenMemory, items: readonly LogItem[]): Promise<void> {
  for (const [index, item] of items.entries()) {
    if (index % AT_ONCE === AT_ONCE - 1) await nextTurn();
    keep(item);
  }
}

/** Brings what was written to the hub, if there is one; `ids` are those of the items. Fails when the hub does not permit it. */
export async function reachHub(
  {cache, hub, hasHub}: OpenMemory,
  ids: readonly string[],
): Promise<Result<AtHub, Failure>> {
  if (!hasHub) return ok('none');
  if (ids.length === 0) return ok('kept');
  if (hub?.isConnected() !== true) return ok('waiting');
  try {
    const report = await hub.sync({deadlineMs: ids.length > FEW ? KEEP_MANY_MS : KEEP_MS});
    const ours = new Set(ids);
    // What was forgotten meanwhile needs no change any more.
    const refusal = report.refused.find(({id, code}) => ours.has(id) && code !== 'not-found');
    return refusal === undefined ? ok('kept') : fail(refused(refusal.message));
  } catch (error) {
    if (!(error instanceof HubError)) throw error;
    // What others have told may take longer than what was to be brought there.
    return ok(ids.some(id => cache.isPending(id)) ? 'waiting' : 'kept');
  }
}

export function idOf(item: LogItem): string {
  return item.kind === 'episode' ? item.episode.id : item.change.id;
}

/** What the client library says, as a failure of the request. Everything else is a bug, and thrown on. */
export function deskFailure(error: unknown): Failure {
  if (!(error instanceof HubError)) {
    const failure = failureOf(error);
    if (failure.reason === 'unexpected') throw error;
    return failure;
  }
  switch (error.code) {
    case 'bad-option':
      return {reason: 'usage', message: error.message};
    case 'forbidden':
      return refused(error.message);
    case 'cache-full':
      return {reason: 'memory-unusable', detail: error.message, hint: FULL_HINT};
    case 'cache-unusable':
      return {reason: 'memory-unusable', detail: error.message};
    default:
      return {reason: 'memory-unusable', detail: error.message, hint: HUB_HINT};
  }
}

export function refused(detail: string): Failure {
  const hint =
    'Forgetting what others remember, and quarantine, need the role of a coordinator: see `godel memory stats`.';
  return {reason: 'memory-refused', detail, hint};
}

const FULL_HINT = 'Forget some with `godel memory forget --before 90d`, or give the project a hub that takes it over.';
const HUB_HINT = '`godel memory stats` says what is wrong with the hub; `--from cache` does without it.';
