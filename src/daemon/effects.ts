import {rm} from 'node:fs/promises';
import {never} from '../base/never.ts';
import type {Assignment, Effect, Input} from '../federation/engine-io.ts';
import {failureOf} from '../model/failure.ts';
import type {TeamId} from '../model/ids.ts';
import type {StoredTeam} from '../model/record.ts';
import type {TeamSpec} from '../model/team.ts';
import {UNKNOWN_USAGE} from '../model/usage.ts';
import {type ProjectPaths, teamFolder} from '../project/project-paths.ts';
import type {TeamOpening} from '../wire/host-protocol.ts';
import type {Hosts} from './hosts.ts';
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
  readonly submit: (input: Input) => void;
  readonly outputCapBytes: number;
  readonly log: Log;
}

/** Carries out what the engine has decided, once that is durable. */
export class Effects {
  readonly #options: EffectsOptions;
  readonly #teams = new Map<TeamId, TeamSpec>();

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
        return hosts.kill(effect.hostId);
      case 'open-team':
        this.#teams.set(effect.teamId, effect.spec);
        return hosts.tell(effect.hostId, {type: 'open-team', team: this.#opening(effect.teamId, effect.spec)});
      case 'open-agents':
        return hosts.tell(effect.hostId, {type: 'open-agents', teamId: effect.teamId, agents: effect.agents});
      case 'close-team':
        return hosts.tell(effect.hostId, {type: 'close-team', teamId: effect.teamId});
      case 'assign':
        return this.#assign(effect);
      case 'stop-attempts':
        return hosts.tell(effect.hostId, {type: 'stop', attempts: effect.attempts, by: effect.by});
      case 'reap':
        return hosts.reap(effect.hostId, effect.attempts);
      case 'read-output':
        return this.#readOutput(effect);
      case 'want-permits':
        return permits.want(effect);
      case 'provider-signal':
        return permits.signal(effect.signal);
      case 'merge':
        return;
      case 'team-over':
        this.#teams.delete(effect.teamId);
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

  /** The environment as its tasks get it: the caller's, with its secrets, and the plan's own on top. */
  #opening(teamId: TeamId, spec: TeamSpec): TeamOpening {
    return {
      teamId,
      name: spec.name,
      env: {...spec.env, ...this.#options.secrets.of(teamId), ...spec.plan?.env},
      umask: spec.umask,
      folder: teamFolder(this.#options.paths, teamId),
    };
  }

  #assign({hostId, assignment}: Extract<Effect, {type: 'assign'}>): void {
    const {hosts, progress, submit} = this.#options;
    const order = orderOf(assignment, this.#specOf(assignment));
    if (order.ok) {
      progress.started(assignment.attempt, assignment.teamId);
      return hosts.assign(hostId, order.value);
    }
    submit({
      type: 'attempt-finished',
      hostId,
      attempt: assignment.attempt,
      outcome: {result: order, durationMs: 0, usage: UNKNOWN_USAGE, outputBytes: null},
    });
  }

  #specOf({teamId}: Assignment): TeamSpec {
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
