import type {Input} from '../federation/engine-io.ts';
import type {ModelChoice} from '../model/agent.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {AttemptOutcome} from '../model/attempt.ts';
import type {HostId, TeamId} from '../model/ids.ts';
import {providerFor} from './who-does-it.ts';

/** Through which runtimes and providers nothing, or only one attempt to see, can be expected to go. */
export class ShutEdges {
  /** What the breakers of hosts are known to be that are not closed. */
  readonly #edges = new Map<HostId, Map<string, 'open' | 'half-open'>>();
  /** By team and runtime: whether the last attempt with it died at its start. */
  readonly #died = new Map<string, boolean>();

  learn({hostId, of, state}: Extract<Input, {type: 'breaker'}>): void {
    const known = this.#edges.get(hostId) ?? new Map<string, 'open' | 'half-open'>();
    if (state === 'closed') known.delete(keyOf(of));
    else known.set(keyOf(of), state);
    this.#edges.set(hostId, known);
  }

  /** An attempt with this runtime has ended. */
  learnEnd(team: TeamId, runtime: string, outcome: AttemptOutcome): void {
    const evidence = startOf(outcome);
    if (evidence !== null) this.#died.set(`${team}/${runtime}`, evidence === 'died');
  }

  hostGone(host: HostId): void {
    this.#edges.delete(host);
  }

  /** What is known to be open on the host of what an attempt needs. */
  openOn(host: HostId, {runtime, provider}: AttemptMeans): string | undefined {
    const known = this.#edges.get(host);
    return edgesOf(runtime, provider).find(edge => known?.get(edge) === 'open');
  }

  /** A breaker has opened, or its runtime has just died at its start: either is tried again after a while. */
  isShut(team: TeamId, choice: ModelChoice | null): boolean {
    if (choice === null) return false;
    const edges = edgesOf(choice.runtime, providerFor(choice));
    const isOpen = [...this.#edges.values()].some(known => edges.some(edge => known.has(edge)));
    return isOpen || this.#died.get(`${team}/${choice.runtime}`) === true;
  }

  forget(): void {
    this.#edges.clear();
    this.#died.clear();
  }
}

const START_MS = 10_000;

/** As the engine counts it: it ended soon, and had neither said nor used anything. Null: its end says nothing of the start. */
function startOf({result, usage, durationMs}: AttemptOutcome): 'died' | 'worked' | null {
  if (result.ok || (usage.inputTokens ?? 0) + (usage.outputTokens ?? 0) > 0) return 'worked';
  if (result.failure.reason !== 'agent-error') return null;
  return durationMs < START_MS ? 'died' : 'worked';
}

function keyOf({kind, name}: {kind: string; name: string}): string {
  return `${kind}:${name}`;
}

function edgesOf(runtime: string, provider: string): readonly string[] {
  return [`runtime:${runtime}`, `provider:${provider}`];
}
