import type {AgentGroup} from '../model/agent.ts';
import {type AgentRecord, DECAY, NOTHING_KNOWN, noteFault, noteOutcome, type Outcome} from './agent-record.ts';
import {type DecayingMean, expected, meanOf, measured, NOTHING_MEASURED} from './decaying-mean.ts';
import {NO_PRIOR, type Prior} from './strategies/strategy.ts';

/** Kinds of tasks and skills of which is known what they take, at most. */
const MOST_KINDS = 10_000;
/** What the plan says of a group's speed, and that most attempts succeed, counts as much as this many attempts. */
const TRUST = 4;

/** A task as far as others are like it. */
export interface Kind {
  /** Tasks of the same one take about as long. */
  readonly name: string;
  readonly skills: readonly string[];
}

/** What a team has learned beyond its single agents: what tasks take, and what each runtime and model can do with each skill. */
export class Learned {
  /** Of the logarithm of the duration. */
  readonly #usual = new Map<string, DecayingMean>();
  readonly #proficiency = new Map<string, AgentRecord>();

  /** What tasks of this kind take anybody, in milliseconds; null: none has succeeded yet. */
  usualMs(kind: string): number | null {
    const mean = meanOf(this.#usual.get(kind) ?? NOTHING_MEASURED);
    return mean === null ? null : Math.exp(mean);
  }

  /** What is known of a runtime and model with a skill; `''`: with whatever asks for none. */
  proficiency(group: AgentGroup, skill: string): AgentRecord {
    return this.#proficiency.get(keyOf(group, skill)) ?? NOTHING_KNOWN;
  }

  note(group: AgentGroup, {name, skills}: Kind, {outcome, nowMs}: {outcome: Outcome; nowMs: number}): void {
    if (outcome.ok) {
      const logarithm = Math.log(Math.max(outcome.durationMs, 1));
      const usual = measured(this.#usual.get(name) ?? NOTHING_MEASURED, logarithm, {nowMs, decay: DECAY});
      put(this.#usual, name, usual);
    }
    this.#change(group, skills, record => noteOutcome(record, outcome, nowMs));
  }

  noteFault(group: AgentGroup, {skills}: Kind, {share, nowMs}: {share: 0.5 | 1; nowMs: number}): void {
    this.#change(group, skills, record => noteFault(record, share, nowMs));
  }

  /** What to expect of an agent of the group of whom nothing else is known. */
  prior(group: AgentGroup, {name, skills}: Kind, nowMs: number): Prior {
    const durationMs = this.usualMs(name) ?? NO_PRIOR.durationMs;
    const declared = Math.log(1 / group.speed);
    const at = {trust: TRUST, nowMs, halfLifeMs: DECAY.halfLifeMs};
    let slowness = 0;
    let errorRate = 0;
    let usd: number | null = null;
    const asked = skills.length === 0 ? NO_SKILL : skills;
    for (const skill of asked) {
      const record = this.proficiency(group, skill);
      slowness += expected(record.slowness, {...at, prior: declared}) / asked.length;
      errorRate += expected(record.faults, {...at, prior: NO_PRIOR.errorRate}) / asked.length;
      usd = meanOf(record.usd) ?? usd;
    }
    return {of: name, slowness, errorRate, durationMs, usd};
  }

  #change(group: AgentGroup, skills: readonly string[], change: (record: AgentRecord) => AgentRecord): void {
    for (const skill of skills.length === 0 ? NO_SKILL : skills) {
      put(this.#proficiency, keyOf(group, skill), change(this.proficiency(group, skill)));
    }
  }
}

const NO_SKILL = [''];

function keyOf({runtime, model}: AgentGroup, skill: string): string {
  return `${runtime}/${model ?? ''} ${skill}`;
}

/** What has not been heard of for longest is forgotten first. */
function put<T>(map: Map<string, T>, key: string, value: T): void {
  map.delete(key);
  map.set(key, value);
  if (map.size <= MOST_KINDS) return;
  for (const oldest of map.keys()) {
    map.delete(oldest);
    return;
  }
}
