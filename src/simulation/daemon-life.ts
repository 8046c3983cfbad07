import type {Effect, Input, Step} from '../federation/engine-io.ts';
import type {StateRecord} from '../model/record.ts';
import {AgentsAtHosts} from './agents-at-hosts.ts';
import {kindOf} from './check-agents.ts';
import type {LedgerAttempt, LedgerTask} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import {Room} from './room.ts';
import type {ShownAgents} from './shown-agents.ts';
import {ShutEdges} from './shut-edges.ts';
import {ToldAttempts} from './told-attempts.ts';

/** What can be known in one life of the daemon, learned from the inputs of the engine and from its steps. */
export class DaemonLife {
  readonly agents: AgentsAtHosts;
  readonly edges = new ShutEdges();
  readonly told: ToldAttempts;
  /** What the engine has been told of limits. */
  readonly room = new Room();
  readonly #ledger: Ledger;
  /** Kinds of prompts of which it has been seen what they use. */
  readonly #known = new Set<string>();
  /** Sources whose output could not be read, in any life: their `foreach` may fail. */
  readonly #unreadable = new Set<LedgerTask>();
  #sinceMs = 0;

  constructor(ledger: Ledger, shown: ShownAgents) {
    this.#ledger = ledger;
    this.agents = new AgentsAtHosts(ledger, shown);
    this.told = new ToldAttempts(ledger);
  }

  /** When it began (monotonic). */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  begin(nowMs: number): void {
    this.#sinceMs = nowMs;
  }

  end(): void {
    this.agents.forget();
    this.edges.forget();
    this.told.forget();
    this.room.forget();
    this.#known.clear();
  }

  /** Whether attempts of this kind have shown what they use. */
  isKnown(kind: string): boolean {
    return this.#known.has(kind);
  }

  isUnreadable(source: LedgerTask): boolean {
    return this.#unreadable.has(source);
  }

  learn(input: Input, step: Step): void {
    switch (input.type) {
      case 'host-connected':
        this.told.forgetHost(input.host.id);
        this.agents.hostConnected(input);
        this.told.hold(input.paused ?? []);
        return;
      case 'host-disconnected':
      case 'host-gone':
        if (input.type === 'host-gone') this.edges.hostGone(input.hostId);
        this.agents.hostLost(input.hostId);
        this.told.forgetHost(input.hostId);
        return;
      case 'agents-ready':
        return this.agents.ready(input);
      case 'agents-failed':
        return this.agents.failed(input);
      case 'agent-order':
        return this.agents.ordered(input, step);
      case 'breaker':
        return this.edges.learn(input);
      case 'permits':
        return this.room.learn(input);
      case 'merge-ended': {
        const attempt = this.#ledger.merging(input.teamId, input.task);
        if (attempt?.id === input.attempt) this.#ledger.hearMerge(attempt, input.result);
        return;
      }
      case 'output-read':
        if (!input.output.ok) this.#unreadable.add(this.#ledger.task(input.teamId, input.task));
        return;
      default:
        return;
    }
  }

  /** To be called when the ledger has it. */
  learnRecord(record: StateRecord): void {
    if (record.kind === 'team-revived') this.agents.revived(this.#ledger.team(record.id));
    if (record.kind === 'attempt-ended') this.#learnUse(this.#ledger.attempt(record.id));
  }

  learnEvent({teamId, body}: Extract<Step['records'][number], {kind: 'event'}>['event']): void {
    if (body.type === 'agents-failed' && teamId !== null) this.agents.parked(teamId);
  }

  learnEffect(effect: Effect): void {
    switch (effect.type) {
      case 'open-agents':
        return this.agents.opened(effect);
      case 'pause-attempts':
        if (effect.paused) this.told.hold(effect.attempts);
        else this.told.letGoOn(effect.attempts);
        return;
      case 'kill-host':
        // What it holds ends with it: nobody tells it anything any more.
        return this.agents.hostLost(effect.hostId);
      case 'stop-attempts':
        this.told.stop(effect.attempts);
        for (const id of effect.attempts) {
          const attempt = this.#ledger.attempts.get(id);
          if (attempt && attempt.outcome === undefined) this.#ledger.stop(attempt, effect.by);
        }
        return;
      default:
        return;
    }
  }

  /** An attempt that was cut short shows nothing of what such attempts use. */
  #learnUse({task, end, means, outcome}: LedgerAttempt): void {
    if (!means) return;
    if (outcome) this.edges.learnEnd(task.team.id, means.runtime, outcome);
    const failure = outcome?.result.ok === false ? outcome.result.failure.reason : null;
    const isOutrun = end === 'outrun' && outcome && failure !== 'stopped' && failure !== 'provider-limited';
    if (failure !== 'agent-error' && (end === 'ok' || end === 'failed' || isOutrun)) {
      this.#known.add(kindOf(means, task.team.id, task.spec.skills));
    }
  }
}

/** What the checks of one step go by. */
export interface LifeFacts {
  readonly ledger: Ledger;
  readonly life: DaemonLife;
}
