import type {Answer} from '../api/backend.ts';
import type {AgentOrder, PauseRequest, ResumeRequest, RetryRequest, RunRequest, ScaleRequest} from '../api/contract.ts';
import {fail, ok} from '../base/result.ts';
import {shellWord} from '../base/shell-word.ts';
import type {Settings} from '../config/settings.ts';
import type {Engine} from '../federation/engine.ts';
import type {Input, RequestId} from '../federation/engine-io.ts';
import type {AgentSettings} from '../model/agent-settings.ts';
import type {Budget} from '../model/budget.ts';
import {DEFAULT_EJECTION} from '../model/ejection.ts';
import type {Failure} from '../model/failure.ts';
import {agentId} from '../model/ids.ts';
import type {Plan} from '../model/plan.ts';
import {isFinal} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {compilePlan} from '../plan/compile-plan.ts';
import type {Store} from '../store/store.ts';
import {findRepository} from '../workspace/repository.ts';
import {autoscaleFailure, completedAutoscale, countFailure} from './autoscale-request.ts';
import type {Requests} from './requests.ts';
import {type SecretStore, splitSecrets} from './secrets.ts';
import {needsRepository} from './team-spec.ts';
import {unpricedFailure} from './unpriced-choice.ts';

type Environment = Readonly<Record<string, string>>;

export interface TeamRequestsOptions {
  readonly settings: Pick<Settings, 'maxAgents'>;
  readonly agentSettings: AgentSettings;
  readonly engine: Pick<Engine, 'teamSpec'>;
  readonly store: Pick<Store, 'loadTeam'>;
  readonly requests: Requests;
  readonly secrets: SecretStore;
  readonly submit: (input: Input) => void;
}

/** What is asked of a team that exists: checked as far as that needs no decision, and handed to the engine, which answers. */
export class TeamRequests {
  readonly #options: TeamRequestsOptions;

  constructor(options: TeamRequestsOptions) {
    this.#options = options;
  }

  async scale({teamId, settings}: TeamView, {autoscale, ...request}: ScaleRequest): Promise<Answer<TeamView>> {
    const {count} = request;
    const most = this.#options.settings.maxAgents;
    const tooMany = count === undefined ? null : countFailure('The number of agents', {value: count, min: 0, most});
    if (tooMany) return fail(tooMany);
    const asked =
      autoscale === undefined || autoscale === 'off'
        ? autoscale
        : completedAutoscale(autoscale, settings?.autoscale ?? null, most);
    const wrong = asked === undefined || asked === 'off' ? null : autoscaleFailure(asked, most);
    if (wrong) return fail(wrong);
    const change = {...request, ...(asked === undefined ? {} : {autoscale: asked})};
    return await this.#ask(id => ({type: 'scale-team', request: id, teamId, change}));
  }

  async pause({teamId}: TeamView, {agent}: PauseRequest): Promise<Answer<TeamView>> {
    return await this.#ask(request => ({
      type: 'pause',
      request,
      teamId,
      agent: agent === undefined ? null : agentId(agent),
    }));
  }

  async resume({teamId, budget: before}: TeamView, {agent, budget}: ResumeRequest): Promise<Answer<TeamView>> {
    const perHour = before?.hour?.limitUsd;
    return await this.#ask(request => ({
      type: 'resume',
      request,
      teamId,
      agent: agent === undefined ? null : agentId(agent),
      ...(budget ? {budget: {...(perHour === undefined ? {} : {perHour}), ...budget}} : {}),
    }));
  }

  async order({teamId}: TeamView, {agent, what}: AgentOrder): Promise<Answer<TeamView>> {
    return await this.#ask(request => ({type: 'agent-order', request, teamId, agent: agentId(agent), what}));
  }

  /**
   * The environment of its tasks is that of the team, with what is different in that of the caller. What the plan says of the team
   * holds from now on, but for two things: the team keeps its agents, and a budget that it has.
   */
  async run(view: TeamView, request: RunRequest): Promise<Answer<TeamView>> {
    const {teamId} = view;
    const compiled = compilePlan(request.plan, 'the plan');
    if (!compiled.ok) return compiled;
    const spec = this.#options.engine.teamSpec(teamId);
    const wanted = this.#wantedOf(compiled.value, {view, places: request.places ?? {}});
    if (!wanted.ok) return wanted;
    const budget = wanted.value.budget ?? limitOf(view);
    const unpriced = spec && unpricedFailure({...spec, plan: compiled.value, budget}, this.#options.agentSettings);
    if (unpriced) return fail(unpriced);
    const isFirst = needsRepository(compiled.value) && spec !== null && !spec.repository;
    const repository = isFirst ? await findRepository(spec.cwd, {team: spec.name}) : ok(null);
    if (!repository.ok) return repository;
    const names = [...(request.secretNames ?? []), ...(compiled.value.secrets ?? [])];
    const {plain, secrets} = splitSecrets(request.env, names);
    const env = {...difference(plain, spec?.env ?? {}), ...compiled.value.env};
    const kept = {...this.#options.secrets.of(teamId), ...secrets};
    const plan = {...compiled.value, env};
    const rest = {...wanted.value, ...(repository.value ? {repository: repository.value} : {})};
    return await this.#ask(
      id => ({type: 'run-plan', request: id, teamId, plan, secretNames: Object.keys(kept), ...rest}),
      () => this.#options.secrets.keep(teamId, kept),
    );
  }

  /** What the plan says of the team that is given it. */
  #wantedOf(
    {agents, autoscale, strategy, ejection, onBudget, budget}: Plan,
    {view, places}: {view: TeamView; places: Readonly<Record<string, string>>},
  ): Answer<Pick<Extract<Input, {type: 'run-plan'}>, 'settings' | 'budget' | 'warnings'>> {
    const wrong = autoscale ? autoscaleFailure(autoscale, this.#options.settings.maxAgents) : null;
    if (wrong) return fail(wrong);
    const has = limitOf(view);
    if (budget && has && !isSameBudget(budget, has)) return fail(budgetConflict(view.team, places['budget']));
    const settings = {
      ...(autoscale ? {autoscale} : {}),
      ...(strategy ? {strategy} : {}),
      ...(ejection ? {ejection: {...(view.settings?.ejection ?? DEFAULT_EJECTION), ...ejection}} : {}),
      ...(onBudget ? {onBudget} : {}),
    };
    return ok({
      ...(Object.keys(settings).length > 0 ? {settings} : {}),
      ...(budget && !has ? {budget} : {}),
      ...(agents ? {warnings: [keptAgents(view.team, places['agents'])]} : {}),
    });
  }

  /** The secrets of a team that is over were thrown away: they come from the caller. */
  async retry({teamId, state}: TeamView, {tasks, env, secretNames = []}: RetryRequest): Promise<Answer<TeamView>> {
    const isOver = isFinal(state);
    const stored = isOver ? this.#options.store.loadTeam(teamId) : null;
    const names = [...secretNames, ...(stored?.spec.secretNames ?? [])];
    const {secrets} = splitSecrets(env, names);
    return await this.#ask(
      request => ({type: 'retry-team', request, teamId, tasks, stored}),
      () => {
        if (stored) this.#options.secrets.keep(teamId, only(secrets, stored.spec.secretNames));
      },
    );
  }

  /** `done` runs within the tick that answers, before hosts are told what follows. */
  #ask(input: (request: RequestId) => Input, done: () => void = () => undefined): Promise<Answer<TeamView>> {
    const {requests, submit} = this.#options;
    return requests.ask(
      request => submit(input(request)),
      result => {
        if (result.ok) done();
      },
    );
  }
}

/** The budget that a team has now. */
function limitOf({budget}: TeamView): Budget | undefined {
  if (budget === null) return undefined;
  const {limitUsd: usd, limitTokens: tokens, hour} = budget;
  return {usd, tokens, ...(hour ? {perHour: hour.limitUsd} : {})};
}

function isSameBudget(one: Budget, other: Budget): boolean {
  return one.usd === other.usd && one.tokens === other.tokens && (one.perHour ?? null) === (other.perHour ?? null);
}

function budgetConflict(team: string, place = 'the plan'): Failure {
  return {
    reason: 'usage',
    message: `${place}: \`budget\` is not the one that team ${team} has`,
    hint: `Take it out of the plan; \`godel team resume ${shellWord(team)} --budget USD\` changes what the team may use.`,
  };
}

function keptAgents(team: string, place = 'The plan'): string {
  return `${place}: \`agents\` are for a team that is spawned with the plan; ${team} keeps those it has (\`godel team scale\` changes how many).`;
}

/** Said anew by every shell, and of no meaning to a task. */
const OF_THE_SHELL = new Set(['PWD', 'OLDPWD', 'SHLVL', '_']);

function difference(env: Environment, from: Environment): Environment {
  return Object.fromEntries(
    Object.entries(env).filter(([name, value]) => from[name] !== value && !OF_THE_SHELL.has(name)),
  );
}

function only(values: Environment, names: readonly string[]): Environment {
  return Object.fromEntries(Object.entries(values).filter(([name]) => names.includes(name)));
}
