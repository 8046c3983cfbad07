import type {AgentId} from './ids.ts';
import type {ScaleDecision} from './autoscale.ts';

/** Why an agent was given a task, as it was recorded then. */
export interface SelectionWhy {
  readonly strategy: string;
  /** Agents that were free and could do it. */
  readonly candidates: number;
  /** The best of them with what the strategy compared, the chosen one first; at most 5. Lower is better. */
  readonly compared: readonly {readonly agent: AgentId; readonly score: number}[];
  /** Who was passed over, for example the agent whose attempt had failed before. */
  readonly avoided: readonly {readonly agent: AgentId; readonly why: string}[];
}

/** The answer to `team explain`: sentences, and the facts behind them. */
export interface Explanation {
  readonly v: 1;
  readonly about:
    | {readonly kind: 'team'; readonly team: string}
    | {readonly kind: 'task'; readonly task: string}
    | {readonly kind: 'agent'; readonly agent: AgentId};
  /** What it does now. */
  readonly state: string;
  /** Why, the most important first; each a sentence. */
  readonly because: readonly string[];
  /** What has been decided about it, the latest first. */
  readonly history: readonly {readonly atMs: number; readonly text: string}[];
  /** Of a team. */
  readonly scaling?: readonly ({readonly atMs: number} & ScaleDecision)[];
}
