import {rm} from 'node:fs/promises';
import {never} from '../base/never.ts';
import type {Assignment, Effect, Input} from '../federation/engine-io.ts';
import type {AgentSettings} from '../model/agent-settings.ts';
import {type Failure, failureOf} from '../model/failure.ts';
import type {AttemptId, HostId, TeamId} from '../model/ids.ts';
import type {StoredTeam} from '../model/record.ts';
import type {TeamSpec} from '../model/team.ts';
import {UNKNOWN_USAGE} from '../model/usage.ts';
import {type ProjectPaths, teamFolder} from '../project/project-paths.ts';
import {fail, ok, type Result} from '../base/result.ts';
import type {AttemptOrder, TeamOpening} from '../wire/host-protocol.ts';
import type {Hosts} from './hosts.ts';
import type {Lessons} from './memory/lessons.ts';
import type {Merges} from './merges.ts';
import {runtimesOf} from './team-spec.ts';
import type {Log} from './log.ts';
import {orderOf} from './orders.ts';
import {outputFile} from './output-paths.ts';
import {readOutput} from './outputs.ts';
import type {Permits} from './permits.ts';
import type {Progress} from './progress.ts';
import type {Requests} from './requests.ts';
import type {SecretStore} from './secrets.ts';

export interface EffectsOptions {
  readonly paths: ProjectPaths;
  readonly hosts: Hosts;
  readonly requests: Requests;
  readonly secrets: SecretStore;
  readonly progress: Progress;
  readonly permits: Permits;
  readonly merges: Merges;
  readonly lessons: Pick<Lessons, 'prepare' | 'before'>;
  readonly agentSettings: AgentSettings;
  readonly submit: (input: Input) => void;
  readonly outputCapBytes: number;
  /** Variables that only the hub is to know, though whoever spawns a team has them. */
  readonly notForAttempts: readonly string[];
  readonly log: Log;
}

/** Carries out what the engine has decided, once that is durable. */
export class Effects {
  readonly #options: EffectsOptions;
  readonly #teams = new Map<TeamId, TeamSpec>();
  #endsTick = false;
  /** Assignments that wait for where they start from, and for what others have learned. */
  readonly #leaving = new Map<AttemptId, symbol>();

  constructor(options: EffectsOptions) {
    this.#options = options;
  }

  /** Teams that an earlier daemon left running. Returns what could not be restored. */
  restore(teams: readonly StoredTeam[]): readonly string[] {
    const {progress, secrets, log} = this.#options;
    const warnings: string[] = [];
    for (const {id, spec, openAttempts} of teams) {
      this.#teams.set(id, spec);
      for (const attempt of openAttempts) progress.started(attempt.id, id);
      const lost = secrets.restore(id, spec.secretNames);
      if (lost.length === 0) continue;
      log.warn({team: spec.name, lost}, 'secret variables of a team are lost');
      warnings.push(
        `Team ${spec.name} goes on without ${lost.join(', ')}: secret values are not kept over a reboot. Spawn it again if its tasks need them.`,
      );
    }
    return warnings;
  }

  perform(effect: Effect): void {
    const {hosts, requests, permits} = this.#options;
    switch (effect.type) {
      case 'forget-team':
        this.#options.log.info({team: effect.name}, 'removed the oldest team that was over (setting keep-teams)');
        return void this.removeFiles(effect.teamId);
      case 'answer':
        return requests.answer(effect.request, effect.result);
      case 'start-host':
        return hosts.start();
      case 'kill-host':
        return hosts.kill(effect.hostId, {isStuck: effect.isStuck ?? false});
      case 'ask-beat':
        return hosts.tell(effect.hostId, {type: 'ask-beat'});
      case 'probe-host':
        return hosts.probe(effect.hostId);
      case 'open-team':
        this.#teams.set(effect.teamId, effect.spec);
        this.#options.lessons.prepare(effect.spec);
        return hosts.tell(effect.hostId, {type: 'open-team', team: this.#opening(effect.teamId, effect.spec)});
      case 'open-agents': {
        const {teamId, agents, runtimes} = effect;
        return hosts.tell(effect.hostId, {type: 'open-agents', teamId, agents, runtimes});
      }
      case 'close-agents':
        return hosts.tell(effect.hostId, {type: 'close-agents', teamId: effect.teamId, agents: effect.agents});
      case 'pause-attempts':
        return hosts.tell(effect.hostId, {type: 'pause', attempts: effect.attempts, paused: effect.paused});
      case 'close-team':
        return hosts.tell(effect.hostId, {type: 'close-team', teamId: effect.teamId});
      case 'assign':
        return this.#assign(effect);
      case 'stop-attempts':
        return this.#stop(effect);
      case 'reap':
        return hosts.reap(effect.hostId, effect.attempts);
      case 'read-output':
        return this.#readOutput(effect);
      case 'want-permits':
        return permits.want(effect);
      case 'provider-signal':
        return permits.signal(effect.signal);
      case 'merge':
        return this.#options.merges.merge(effect.request, this.#specOf(effect.request));
      case 'team-over':
        this.#teams.delete(effect.teamId);
        this.#options.merges.over(effect.teamId);
        this.#options.progress.teamOver(effect.teamId);
        return this.#options.secrets.forget(effect.teamId);
      default:
        never(effect);
    }
  }

  /** Deletes the logs and outputs of a team that has been removed. */
  async removeFiles(teamId: TeamId): Promise<void> {
    try {
      await rm(teamFolder(this.#options.paths, teamId), {recursive: true, force: true});
    } catch (error) {
      this.#options.log.warn({teamId, error: failureOf(error)}, 'the folder of a removed team could not be deleted');
    }
  }

  environmentOf(teamId: TeamId, spec: TeamSpec): Readonly<Record<string, string>> {
    const env = {...spec.env, ...this.#options.secrets.of(teamId), ...spec.plan?.env};
    return without(env, this.#options.notForAttempts);
  }

  /** What has not left for its host yet never will. */
  #stop({hostId, attempts, by}: Extract<Effect, {type: 'stop-attempts'}>): void {
    for (const attempt of attempts) {
      if (!this.#leaving.delete(attempt)) continue;
      const outcome = {
        result: fail<Failure>({reason: 'stopped', by}),
        durationMs: 0,
        usage: UNKNOWN_USAGE,
        outputBytes: null,
      };
      this.#options.submit({type: 'attempt-finished', hostId, attempt, outcome});
    }
    this.#options.hosts.tell(hostId, {type: 'stop', attempts, by});
  }

  /** The environment as its tasks get it: the caller's, with its secrets, and the plan's own on top. */
  #opening(teamId: TeamId, spec: TeamSpec): TeamOpening {
    return {
      teamId,
      name: spec.name,
      env: this.environmentOf(teamId, spec),
      umask: spec.umask,
      folder: teamFolder(this.#options.paths, teamId),
      secrets: spec.secretNames,
      runtimes: runtimesOf(spec),
      allow: spec.allow ?? [],
      depth: spec.depth ?? 0,
      agentSettings: this.#options.agentSettings,
    };
  }

  #assign({hostId, assignment}: Extract<Effect, {type: 'assign'}>): void {
    const {attempt, spec, teamId} = assignment;
    const team = this.#specOf(assignment);
    this.#options.progress.started(attempt, teamId);
    const memories = this.#options.lessons.before(assignment, team);
    const isInPlace = spec.workspace === undefined && spec.prompt === undefined;
    if (isInPlace && memories === null) {
      return this.#send(hostId, assignment, orderOf(assignment, team, {tip: null, memories}));
    }
    // Told of both in a moment; should the attempt be stopped or assigned anew meanwhile, this one is void.
    const mark = Symbol(assignment.taskId);
    this.#leaving.set(attempt, mark);
    const start = isInPlace ? ok(null) : this.#options.merges.tip(teamId, team);
    void Promise.all([start, memories]).then(([tip, given]) => {
      if (this.#leaving.get(attempt) !== mark) return;
      this.#leaving.delete(attempt);
      this.#send(hostId, assignment, tip.ok ? orderOf(assignment, team, {tip: tip.value, memories: given}) : tip);
      this.#endTickSoon();
    });
  }

  /** Orders that are ready at the same time go in one message. */
  #endTickSoon(): void {
    if (this.#endsTick) return;
    this.#endsTick = true;
    setImmediate(() => {
      this.#endsTick = false;
      this.#options.hosts.endTick();
    });
  }

  #send(hostId: HostId, {attempt}: Assignment, order: Result<AttemptOrder, Failure>): void {
    if (order.ok) return this.#options.hosts.assign(hostId, order.value);
    const outcome = {result: order, durationMs: 0, usage: UNKNOWN_USAGE, outputBytes: null};
    this.#options.submit({type: 'attempt-finished', hostId, attempt, outcome});
  }

  #specOf({teamId}: {readonly teamId: TeamId}): TeamSpec {
    const spec = this.#teams.get(teamId);
    if (!spec) throw new Error(`Internal error: an assignment for team ${teamId}, which was never opened`);
    return spec;
  }

  #readOutput({teamId, task, taskSpec}: Extract<Effect, {type: 'read-output'}>): void {
    const {hosts, paths, outputCapBytes: capBytes, submit, log} = this.#options;
    const kind = taskSpec.outputs ?? 'text';
    const folder = teamFolder(paths, teamId);
    readOutput({read: part => hosts.read({folder, ...part}), file: outputFile(taskSpec.id, kind), kind, capBytes}).then(
      output => submit({type: 'output-read', teamId, task, output}),
      (error: unknown) => {
        log.error({teamId, task, error: failureOf(error)}, 'an output could not be read');
        submit({type: 'output-read', teamId, task, output: {ok: false, failure: failureOf(error)}});
      },
    );
  }
}

function without(env: Readonly<Record<string, string>>, names: readonly string[]): Readonly<Record<string, string>> {
  if (!names.some(name => name in env)) return env;
  return Object.fromEntries(Object.entries(env).filter(([name]) => !names.includes(name)));
}
