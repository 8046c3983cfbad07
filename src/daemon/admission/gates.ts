import type {Database} from 'better-sqlite3';
import type {Now} from '../../base/clock.ts';
import type {Random} from '../../base/random.ts';
import type {Demand} from '../../federation/engine-io.ts';
import type {Gate, ProviderId, ProviderSignal} from '../../model/provider.ts';
import {fairShare} from './fair-share.ts';
import {allowance, elapse, type GateState, hear, nextRelease} from './gate.ts';
import {GateTable, type ProviderClaim} from './gate-table.ts';
import {gateText} from './gate-text.ts';

export interface GatesOptions {
  readonly projectId: string;
  readonly bootId: string;
  readonly random: Random;
}

export interface GateGrant {
  readonly gate: Gate;
  /** When more may be let through by itself; null: not before something is heard. */
  readonly againMs: number | null;
}

/** What cannot be divided evenly goes to one project after the other for this long. */
const TURN_MS = 30_000;

/** One project's way to the gates of the user's accounts. To be used within a transaction of the ledger. */
export class Gates {
  readonly #table: GateTable;
  readonly #options: GatesOptions;
  /** Providers of which our rows stand in the ledger. */
  readonly #claimed: Set<ProviderId>;

  constructor(db: Database, options: GatesOptions) {
    this.#table = new GateTable(db, options.bootId);
    this.#options = options;
    this.#claimed = new Set(this.#table.providersOf(options.projectId));
  }

  /** Claims a share for each demand and gives up all others. Answers for those whose provider has refused something lately. */
  request(demands: readonly Demand[], now: Now): readonly GateGrant[] {
    for (const provider of this.#claimed) {
      if (demands.some(demand => demand.provider === provider)) continue;
      this.#table.drop(provider, this.#options.projectId);
      this.#claimed.delete(provider);
    }
    return demands.flatMap(demand => this.#requestOne(demand, now) ?? []);
  }

  /** True: the gate lets through another number than before, or at another time. */
  signal(signal: ProviderSignal, running: number, now: Now): boolean {
    const {provider} = signal;
    const before = this.#table.gate(provider, now);
    const inFlight = running + this.#runningOfOthers(provider);
    const after = hear(before, signal, {nowMs: now.monoMs, inFlight, random: this.#options.random});
    if (after !== before) this.#table.setGate(provider, after, now);
    return isNews(before, after);
  }

  /** Whether anything is known of a provider that an answered request could change. */
  hasGate(provider: ProviderId): boolean {
    return this.#table.hasGate(provider);
  }

  removeProject(project: string): void {
    this.#table.removeProject(project);
  }

  #requestOne(demand: Demand, now: Now): GateGrant | null {
    const {provider, want, running} = demand;
    const others = this.#table.claimsOfOthers(provider, this.#options.projectId);
    const state = this.#current(provider, now, running + sumOf(others, each => each.running));
    const permits = state === null ? want : this.#permits(state, demand, others, now);
    this.#claimed.add(provider);
    this.#table.claim(provider, {project: this.#options.projectId, want, running, permits});
    if (state === null) return null;
    const at = {nowMs: now.monoMs, isShared: others.some(each => each.want > 0)};
    const why = permits < want ? gateText(provider, state, at) : null;
    const next = nextRelease(state, now.monoMs, want);
    return {gate: {provider, permits, why}, againMs: next === null ? null : next - now.monoMs};
  }

  #current(provider: ProviderId, now: Now, inFlight: number): GateState | null {
    const stored = this.#table.gate(provider, now);
    if (stored === null) return null;
    const state = elapse(stored, {nowMs: now.monoMs, inFlight});
    if (state !== stored) this.#table.setGate(provider, state, now);
    return state;
  }

  #permits(state: GateState, {want}: Demand, others: readonly ProviderClaim[], now: Now): number {
    const {projectId: project} = this.#options;
    const total = allowance(state, now.monoMs);
    const turn = Math.floor(now.monoMs / TURN_MS);
    const share = fairShare({total, claims: [...others, {project, want}], project, turn});
    const held = sumOf(others, each => Math.max(each.running, each.permits));
    return Math.max(0, Math.min(want, share, total - held));
  }

  #runningOfOthers(provider: ProviderId): number {
    return sumOf(this.#table.claimsOfOthers(provider, this.#options.projectId), each => each.running);
  }
}

function sumOf(claims: readonly ProviderClaim[], part: (claim: ProviderClaim) => number): number {
  return claims.reduce((sum, claim) => sum + part(claim), 0);
}

function isNews(before: GateState | null, after: GateState | null): boolean {
  return before?.limit !== after?.limit || before?.notBeforeMs !== after?.notBeforeMs || before?.then !== after?.then;
}
