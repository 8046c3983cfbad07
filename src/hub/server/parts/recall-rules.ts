import type {RecallRule} from '../../../model/hub.ts';
import {LEAST_RECALLED, trustOf} from '../../security/reputation.ts';
import type {SqliteHubStore} from '../store/sqlite-hub-store.ts';

/** Agents that a client is told of; those trusted least. */
const MAX_DISTRUSTED = 1000;
/** The outcomes of a tenant are looked through at most so often, in milliseconds. */
const FRESH_MS = 5000;
const MAX_TENANTS = 10_000;

/** How far an agent is trusted, and on what. */
export interface AgentTrust {
  readonly tenantId: string;
  readonly agentId: string;
  /** From 0 to 1; 0.5: nobody knows. */
  readonly trust: number;
  /** Outcomes that bore it out and that did not, as much as they are worth now. */
  readonly good: number;
  readonly bad: number;
  /** Agents that were heard. */
  readonly confirmers: number;
}

/** What clients are to leave out when they recall from what they have themselves, by tenant. */
export class RecallRules {
  readonly #store: Pick<SqliteHubStore, 'reputations'>;
  readonly #quorum: number;
  readonly #wallMs: () => number;
  readonly #rules = new Map<string, {readonly rule: RecallRule; readonly atMs: number}>();

  constructor(given: {store: Pick<SqliteHubStore, 'reputations'>; quorum: number; wallMs: () => number}) {
    this.#store = given.store;
    this.#quorum = given.quorum;
    this.#wallMs = given.wallMs;
  }

  /** As of some seconds ago at most. */
  readonly of = (tenant: string): RecallRule => {
    const nowMs = this.#wallMs();
    const known = this.#rules.get(tenant);
    if (known !== undefined && Math.abs(nowMs - known.atMs) < FRESH_MS) return known.rule;
    const distrusted = this.trusts(tenant)
      .filter(({trust}) => trust < LEAST_RECALLED)
      .slice(0, MAX_DISTRUSTED);
    const rule = {quorum: this.#quorum, distrusted: distrusted.map(({agentId}) => agentId)};
    if (this.#rules.size >= MAX_TENANTS) this.#rules.clear();
    this.#rules.set(tenant, {rule, atMs: nowMs});
    return rule;
  };

  /** Of all agents of whom there are outcomes, those trusted least first. */
  trusts(tenantId: string): readonly AgentTrust[] {
    const nowMs = this.#wallMs();
    return this.#store
      .reputations(tenantId, nowMs)
      .map(({author, reputation, confirmers}) => {
        const {good, bad} = reputation;
        return {tenantId, agentId: author, trust: trustOf(reputation, nowMs), good, bad, confirmers};
      })
      .toSorted((a, b) => a.trust - b.trust);
  }
}
