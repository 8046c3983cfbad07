import type {RecallRule} from '../../../model/hub.ts';
import {LEAST_RECALLED, trustOf} from '../../security/reputation.ts';
import type {SqliteHubStore} from '../store/sqlite-hub-store.ts';

/** Agents that a client is told of; those trusted least. */
const MAX_DISTRUSTED = 1000;
/** All outcomes of a tenant are looked through anew after so long, since they age; later where that took long. */
const FRESH_MS = 60_000;
const REST_PER_COST = 2000;
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

type Reputations = Pick<SqliteHubStore, 'reputations' | 'reputation' | 'takeRevised'>;

interface Known {
  readonly rule: RecallRule;
  /** Of those that are distrusted; at most as many as are told. */
  readonly trusts: Map<string, number>;
  readonly untilMs: number;
}

/**
 * What clients are to leave out when they recall from what they have themselves, by tenant: as of the last outcome. Agents of whom nothing
 * was said since are not looked at again, so that it may be asked with every frame.
 */
export class RecallRules {
  readonly #store: Reputations;
  readonly #quorum: number;
  readonly #wallMs: () => number;
  readonly #known = new Map<string, Known>();

  constructor(given: {store: Reputations; quorum: number; wallMs: () => number}) {
    this.#store = given.store;
    this.#quorum = given.quorum;
    this.#wallMs = given.wallMs;
  }

  /** The same object until it changes. */
  readonly of = (tenant: string): RecallRule => {
    const nowMs = this.#wallMs();
    const known = this.#known.get(tenant);
    // Asked in any case: whatever is read anew below has it all.
    const revised = this.#store.takeRevised(tenant);
    const isOver = known === undefined || nowMs > known.untilMs || nowMs < known.untilMs - LONGEST_MS;
    if (isOver || revised === 'all') return this.#keep(tenant, this.#readAll(tenant, nowMs), known?.rule);
    if (revised.size === 0) return known.rule;
    const trusts = new Map(known.trusts);
    for (const agentId of revised) {
      const trust = trustOf(this.#store.reputation(tenant, agentId, nowMs), nowMs);
      if (trust < LEAST_RECALLED) trusts.set(agentId, trust);
      else trusts.delete(agentId);
    }
    return this.#keep(tenant, {trusts, untilMs: known.untilMs}, known.rule);
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

  #readAll(tenant: string, nowMs: number): Omit<Known, 'rule'> {
    const startedMs = performance.now();
    const distrusted = this.trusts(tenant).filter(({trust}) => trust < LEAST_RECALLED);
    const restMs = REST_PER_COST * (performance.now() - startedMs);
    return {
      trusts: new Map(distrusted.map(({agentId, trust}) => [agentId, trust])),
      untilMs: nowMs + Math.min(LONGEST_MS, Math.max(FRESH_MS, restMs)),
    };
  }

  #keep(tenant: string, {trusts: all, untilMs}: Omit<Known, 'rule'>, before: RecallRule | undefined): RecallRule {
    const least = [...all].toSorted(([, a], [, b]) => a - b).slice(0, MAX_DISTRUSTED);
    // By name, so that it is another rule only where it names others.
    const distrusted = least.map(([agentId]) => agentId).toSorted();
    const isSame = before?.distrusted.join('\n') === distrusted.join('\n');
    const rule = before !== undefined && isSame ? before : {quorum: this.#quorum, distrusted};
    if (this.#known.size >= MAX_TENANTS && !this.#known.has(tenant)) this.#known.clear();
    this.#known.set(tenant, {rule, trusts: new Map(least), untilMs});
    return rule;
  }
}

const LONGEST_MS = 3_600_000;
