import type {TeamId} from '../../model/ids.ts';
import type {RemoteHub} from '../../model/memory.ts';
import {isFinal, type TeamSpec} from '../../model/team.ts';
import type {TeamView} from '../../model/team-view.ts';
import type {Memories} from './memories.ts';

/** What became known of its hub so soon after a team was over was so before: it is not looked for at once. */
const AFTER_MS = 60_000;
/** Teams whose hub is remembered; it is looked up again beyond that. */
const MOST_KNOWN = 1000;

/** What teams are told of the hubs of their memories. */
export class MemoryWarnings {
  readonly #memories: Pick<Memories, 'warning'>;
  readonly #specOf: (id: TeamId) => Pick<TeamSpec, 'memory' | 'hub'> | null;
  /** `off`: it has no memory. */
  readonly #hubs = new Map<TeamId, RemoteHub | null | 'off'>();

  /** `specOf`: also of a team that is over. */
  constructor(memories: Pick<Memories, 'warning'>, specOf: (id: TeamId) => Pick<TeamSpec, 'memory' | 'hub'> | null) {
    this.#memories = memories;
    this.#specOf = specOf;
  }

  /** The view with a warning, if there is one to be told: of a team that is over only what was so by then. */
  added(view: TeamView): TeamView {
    const hub = this.#hubOf(view.teamId);
    const warning = hub === 'off' ? null : this.#memories.warning(hub);
    if (warning === null) return view;
    const {startedAtMs, durationMs, warnings} = view;
    if (isFinal(view.state) && warning.sinceMs > startedAtMs + durationMs + AFTER_MS) return view;
    return {...view, warnings: [...warnings, warning.text]};
  }

  #hubOf(id: TeamId): RemoteHub | null | 'off' {
    const known = this.#hubs.get(id);
    if (known !== undefined) return known;
    const spec = this.#specOf(id);
    const hub = spec === null || spec.memory === 'off' ? 'off' : (spec.hub ?? null);
    // Teams that are gone are among them.
    if (this.#hubs.size >= MOST_KNOWN) this.#hubs.clear();
    this.#hubs.set(id, hub);
    return hub;
  }
}
