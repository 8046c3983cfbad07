import type {Answer} from '../api/backend.ts';
import type {AgentOrder, PauseRequest, ResumeRequest, RetryRequest, RunRequest, ScaleRequest} from '../api/contract.ts';
import {fail} from '../base/result.ts';
import type {Settings} from '../config/settings.ts';
import type {Engine} from '../federation/engine.ts';
import type {Input, RequestId} from '../federation/engine-io.ts';
import type {Failure} from '../model/failure.ts';
import {agentId} from '../model/ids.ts';
import {isFinal} from '../model/team.ts';
import type {TeamView} from '../model/team-view.ts';
import {compilePlan} from '../plan/compile-plan.ts';
import type {Store} from '../store/store.ts';
import {autoscaleFailure, completedAutoscale, countFailure} from './autoscale-request.ts';
import type {Requests} from './requests.ts';
import {type SecretStore, splitSecrets} from './secrets.ts';
import {needsRepository} from './team-spec.ts';

type Environment = Readonly<Record<string, string>>;

export interface TeamRequestsOptions {
  readonly settings: Pick<Settings, 'maxAgents'>;
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

  async resume({teamId}: TeamView, {agent, budget}: ResumeRequest): Promise<Answer<TeamView>> {
    const perHour = this.#options.engine.teamSpec(teamId)?.budget?.perHour;
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

  /** The environment of its tasks is that of the team, with what is different in that of the caller. */
  async run(view: TeamView, request: RunRequest): Promise<Answer<TeamView>> {
    const {teamId} = view;
    const compiled = compilePlan(request.plan, 'the plan');
    if (!compiled.ok) return compiled;
    const spec = this.#options.engine.teamSpec(teamId);
    if (needsRepository(compiled.value) && !spec?.repository) return fail(noWorktrees);
    const names = [...(request.secretNames ?? []), ...(compiled.value.secrets ?? [])];
    const {plain, secrets} = splitSecrets(request.env, names);
    const env = {...difference(plain, spec?.env ?? {}), ...compiled.value.env};
    const kept = {...this.#options.secrets.of(teamId), ...secrets};
    const plan = {...compiled.value, env};
    return await this.#ask(
      id => ({type: 'run-plan', request: id, teamId, plan, secretNames: Object.keys(kept)}),
      () => this.#options.secrets.keep(teamId, kept),
    );
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

const noWorktrees: Failure = {
  reason: 'usage',
  message: 'the plan has tasks with a worktree, and this team began without any: it takes commands only',
  hint: 'Spawn a team with the plan: `godel team spawn --plan FILE`.',
};

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
