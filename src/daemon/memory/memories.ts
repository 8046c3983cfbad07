import {createHash} from 'node:crypto';
import {dirname, join} from 'node:path';
import {fail, ok, type Result} from '../../base/result.ts';
import type {Failure} from '../../model/failure.ts';
import type {RemoteHub} from '../../model/memory.ts';
import type {TeamSpec} from '../../model/team.ts';
import type {Log} from '../log.ts';
import type {AttemptMemory} from './attempt-memory.ts';
import {CachedMemory} from './cached-memory.ts';
import {type HubSource, PROJECT_TENANT, remoteSource} from './hub-source.ts';

/** As many are opened for people. */
const MAX_OPEN = 50;

export interface MemoriesOptions {
  /** The file of the project's own memory; those of other hubs lie beside it. */
  readonly file: string;
  /** The project's own hub; null: it has none. */
  readonly own: HubSource | null;
  /** The hub of those who are not told otherwise; null: the project's own. */
  readonly usual: RemoteHub | null;
  readonly log: Log;
}

/** The memories that the teams of a daemon use: the project's own, and one for each other hub and tenant. */
export class Memories {
  readonly #options: MemoriesOptions;
  readonly #open = new Map<string, CachedMemory>();

  constructor(options: MemoriesOptions) {
    this.#options = options;
  }

  /** That of whoever is not told otherwise. */
  get usual(): CachedMemory {
    return this.#of(this.#options.usual);
  }

  of({hub}: Pick<TeamSpec, 'hub'>): AttemptMemory {
    return this.#of(hub ?? null);
  }

  /** What a team should be told of its memory's hub, and since when; null: nothing, or it was not used yet. */
  warning(hub: RemoteHub | null): {readonly text: string; readonly sinceMs: number} | null {
    const memory = this.#open.get(keyOf(hub));
    const trouble = memory?.hubTrouble ?? null;
    if (!memory || trouble === null) return null;
    const {text, isToken, sinceMs} = trouble;
    if (!isToken || hub === null)
      return {text: `What this team learns stays in the project, as its hub cannot be had: ${text}`, sinceMs};
    const who = `--agent ${memory.speaker} --tenant ${hub.tenantId}`;
    const fix = `Put a new one there: godel hub token create ${who} --role coordinator --expires-in 30d`;
    const what = `What this team learns stays in the project, as the hub ${hub.url} does not take the token in ${hub.tokenFile}`;
    return {text: `${what}: ${text} ${fix}`, sinceMs};
  }

  /** For somebody who looks at it by hand; those of teams are open anyway. */
  at(hub: RemoteHub | null): Result<CachedMemory, Failure> {
    if (this.#open.size < MAX_OPEN || this.#open.has(keyOf(hub))) return ok(this.#of(hub));
    const hint = '`godel daemon stop` closes them; the next command starts a daemon again.';
    return fail({reason: 'memory-unusable', detail: `${MAX_OPEN} memories are open, which is the most`, hint});
  }

  async close(): Promise<void> {
    await Promise.all([...this.#open.values()].map(memory => memory.close()));
  }

  #of(hub: RemoteHub | null): CachedMemory {
    const {file, own, log} = this.#options;
    const key = keyOf(hub);
    const there = this.#open.get(key);
    if (there) return there;
    const memory = new CachedMemory({
      file: hub === null ? file : join(dirname(file), `memory-${key}.db`),
      tenantId: hub?.tenantId ?? PROJECT_TENANT,
      source: hub === null ? own : remoteSource(hub),
      log,
    });
    this.#open.set(key, memory);
    return memory;
  }
}

/** '': the project's own. */
function keyOf(hub: RemoteHub | null): string {
  return hub === null ? '' : createHash('sha256').update(JSON.stringify(hub)).digest('hex').slice(0, 12);
}
