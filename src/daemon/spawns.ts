import {randomUUID} from 'node:crypto';
import {isDeepStrictEqual} from 'node:util';
import type {Answer} from '../api/backend.ts';
import type {SpawnRequest} from '../api/contract.ts';
import {fail, ok} from '../base/result.ts';
import {DEFAULT_SETTINGS, type Settings} from '../config/settings.ts';
import type {Engine} from '../federation/engine.ts';
import type {Input} from '../federation/engine-io.ts';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {Autoscale} from '../model/autoscale.ts';
import type {Failure} from '../model/failure.ts';
import type {TeamId} from '../model/ids.ts';
import type {RemoteHub} from '../model/memory.ts';
import {DEFAULT_EJECTION, type Ejection} from '../model/ejection.ts';
import type {StrategyChoice} from '../model/strategy.ts';
import type {Plan} from '../model/plan.ts';
import type {TeamView} from '../model/team-view.ts';
import {compilePlan} from '../plan/compile-plan.ts';
import type {ProjectPaths} from '../project/project-paths.ts';
import type {Store} from '../store/store.ts';
import {findRepository} from '../workspace/repository.ts';
import {autoscaleFailure, completedAutoscale, countFailure} from './autoscale-request.ts';
import {hubChoice} from './memory/hub-choice.ts';
import {daemonEnding, type Requests} from './requests.ts';
import {type SecretStore, splitSecrets} from './secrets.ts';
import {checkAgents, configuredSpeculate, depthOf, needsRepository, specOf} from './team-spec.ts';
import {unpricedFailure} from './unpriced-choice.ts';

export interface SpawnsOptions {
  readonly paths: ProjectPaths;
  readonly settings: Settings;
  readonly agentSettings: AgentSettings;
  readonly engine: Engine;
  readonly store: Store;
  readonly requests: Requests;
  readonly secrets: SecretStore;
  readonly submit: (input: Input) => void;
  readonly storeTrouble: () => string | null;
  readonly view: (id: TeamId) => TeamView | null;
}

interface Checked {
  readonly request: SpawnRequest;
  readonly plan: Plan | null;
  readonly depth: number;
  readonly autoscale: Autoscale | null;
  readonly hub: RemoteHub | null;
  readonly traceId: string;
  readonly requestKey: string;
}

/** Takes requests for new teams: checks them as far as that needs no decision, and makes one team of each. */
export class Spawns {
  readonly #options: SpawnsOptions;
  /** Those that are not answered yet, by the key of their request. */
  readonly #spawning = new Map<string, Promise<Answer<TeamView>>>();
  #takesTeams = true;

  constructor(options: SpawnsOptions) {
    this.#options = options;
  }

  /** The daemon is about to end: a team that it took now would be left to nobody. */
  takeNoMore(): void {
    this.#takesTeams = false;
  }

  /** Resolves when no request is under way. */
  async settled(): Promise<void> {
    while (this.#spawning.size > 0) await Promise.all(this.#spawning.values());
  }

  async spawn(request: SpawnRequest, traceId: string): Promise<Answer<TeamView>> {
    const key = request.key ?? randomUUID();
    const earlier = this.#spawning.get(key) ?? this.#spawnedBefore(key);
    if (earlier) return earlier;
    const refused = this.#whyNot(request);
    if (refused) return fail(refused);
    const checked = checkAgents(request);
    if (!checked.ok) return checked;
    const plan = request.plan === undefined ? ok(null) : compilePlan(request.plan, 'the plan');
    if (!plan.ok) return plan;
    const size = charactersOf(request.env) + charactersOf(plan.value?.env ?? {});
    if (size > MAX_ENV_CHARACTERS) return fail(envTooLarge(size));
    const depth = this.#depthOf(request);
    if (!depth.ok) return depth;
    const autoscale = this.#autoscaleOf(request, plan.value);
    if (!autoscale.ok) return autoscale;
    const hub = hubChoice(request.hub, {settings: this.#options.settings, folder: this.#options.paths.folder});
    if (!hub.ok) return hub;
    const spawned = this.#spawnAs({
      request,
      plan: plan.value,
      depth: depth.value,
      autoscale: autoscale.value,
      hub: hub.value,
      traceId,
      requestKey: key,
    });
    this.#spawning.set(key, spawned);
    return spawned.finally(() => this.#spawning.delete(key));
  }

  /** Under the name that was asked for; or, when that is only a suggestion, under the first free one like it. */
  async #spawnAs(facts: Checked): Promise<Answer<TeamView>> {
    const {request, plan} = facts;
    const {plain, secrets} = splitSecrets(request.env, [...(request.secretNames ?? []), ...(plan?.secrets ?? [])]);
    for (;;) {
      const name = request.name ?? this.#freeName(plan?.name ?? 'team');
      const repository = needsRepository(plan) ? await findRepository(request.cwd, {team: name}) : ok(null);
      if (!repository.ok) return repository;
      const spec = specOf({
        ...facts,
        name,
        env: plain,
        secretNames: Object.keys(secrets),
        strategy: strategyOf(this.#options.settings),
        ejection: ejectionOf(this.#options.settings),
        ...configuredSpeculate(this.#options.settings),
        memory: this.#options.settings.memory,
        repository: repository.value,
      });
      const unpriced = unpricedFailure(spec, this.#options.agentSettings);
      if (unpriced) return fail(unpriced);
      const spawned = await this.#options.requests.ask(
        id => this.#options.submit({type: 'spawn-team', request: id, spec, nameTaken: 'refuse'}),
        // Within the tick that makes the team: its hosts are told the environment right after.
        result => {
          if (result.ok) this.#options.secrets.keep(result.value.teamId, secrets);
        },
      );
      // Somebody else was quicker.
      const again = !spawned.ok && spawned.failure.reason === 'team-exists' && request.name === undefined;
      if (!again) return spawned;
    }
  }

  #freeName(name: string): string {
    const {engine} = this.#options;
    let free = name;
    for (let number = 2; engine.teamNamed(free) !== null; number += 1) free = `${name}-${number}`;
    return free;
  }

  /** An agent may spawn teams only if it was allowed to, no deeper than that, and none larger than its own. */
  #depthOf({env, count, autoscale}: SpawnRequest): Answer<number> {
    const depth = depthOf(env);
    if (!depth.ok || depth.value === 0) return depth;
    const {engine, settings, view} = this.#options;
    if (depth.value > settings.maxDepth) {
      return fail({reason: 'spawn-refused', detail: `Teams may be ${settings.maxDepth} deep (max-depth).`});
    }
    const parent = engine.teamNamed(env['GODEL_TEAM'] ?? '');
    const most = parent === null ? null : (view(parent)?.agents.requested ?? null);
    if (most !== null && Math.max(count, autoscale?.max ?? 0) > most) {
      return fail({reason: 'spawn-refused', detail: `A team of an agent may have as many agents as its own, ${most}.`});
    }
    return depth;
  }

  /** As the request says, or else the plan. */
  #autoscaleOf({autoscale, count}: SpawnRequest, plan: Plan | null): Answer<Autoscale | null> {
    const most = this.#options.settings.maxAgents;
    const planned = plan?.autoscale ?? null;
    const asked = autoscale === undefined ? planned : completedAutoscale(autoscale, planned, most);
    if (asked === null) return ok(null);
    const wrong = autoscaleFailure(asked, most);
    if (wrong) return fail(wrong);
    if (count >= asked.min && count <= asked.max) return ok(asked);
    const why = 'it scales by itself between these';
    const range = `${asked.min} to ${asked.max}`;
    return fail({reason: 'out-of-range', what: 'The number of agents', value: String(count), range, why});
  }

  #spawnedBefore(key: string): Answer<TeamView> | null {
    const row = this.#options.store.teams().find(({spec}) => spec.requestKey === key);
    const view = row && this.#options.view(row.id);
    return view ? ok(view) : null;
  }

  #whyNot({count}: SpawnRequest): Failure | null {
    const {settings, storeTrouble, paths} = this.#options;
    if (!this.#takesTeams) return daemonEnding;
    const trouble = storeTrouble();
    if (trouble !== null) return unwritable(paths, trouble);
    return countFailure('The number of agents', {value: count, min: 1, most: settings.maxAgents});
  }
}

/** Why nothing that would have to be recorded can be done. */
export function unwritable({storeFile}: Pick<ProjectPaths, 'storeFile'>, trouble: string): Failure {
  return {reason: 'store-unusable', path: storeFile, detail: trouble, hint: 'Try again when this is mended.'};
}

/** What Linux lets a program start with at most; and in one message it reaches every host. */
const MAX_ENV_CHARACTERS = 2 * 1024 * 1024;

function charactersOf(env: Readonly<Record<string, string>>): number {
  return Object.entries(env).reduce((sum, [name, value]) => sum + name.length + value.length, 0);
}

function envTooLarge(size: number): Failure {
  return {
    reason: 'out-of-range',
    what: 'The environment of the tasks in characters',
    value: String(size),
    range: `at most ${MAX_ENV_CHARACTERS}`,
    why: 'no program can be started with more',
  };
}

/** Undefined where nobody has set one: what was not asked for is not recorded. */
function strategyOf({strategy: name, strategyWeights: weights}: Settings): StrategyChoice | undefined {
  if (name === 'weighted' && weights !== null) return {name, weights};
  return name === DEFAULT_SETTINGS.strategy ? undefined : {name};
}

/** Likewise. */
function ejectionOf({ejectFailures, ejectTimeMs, ejectShare, ejectIntervalMs}: Settings): Ejection | undefined {
  const set = {failures: ejectFailures, timeMs: ejectTimeMs, share: ejectShare, intervalMs: ejectIntervalMs};
  return isDeepStrictEqual(set, DEFAULT_EJECTION) ? undefined : set;
}
