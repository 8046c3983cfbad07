import type {Assignment} from '../federation/engine-io.ts';
import type {AttemptMeans} from '../model/attempt-means.ts';
import type {AttemptOutcome, SessionMark, Verdict} from '../model/attempt.ts';
import type {Failure} from '../model/failure.ts';
import type {ProviderSignal} from '../model/provider.ts';
import {UNKNOWN_USAGE, type Usage} from '../model/usage.ts';
import type {Work} from '../model/work.ts';
import type {Dice} from './dice.ts';
import type {Faults, Tally} from './faults.ts';
import type {AgentTrait} from './agent-traits.ts';
import type {Behaviour} from './random-plan.ts';

/** Everything an attempt does if it is left alone. */
export interface Fate {
  /** Infinite: it runs until it is stopped. */
  readonly durationMs: number;
  readonly outcome: AttemptOutcome;
  /** From when on it does nothing; null: it is at work until it ends. */
  readonly hangsAfterMs: number | null;
  /** What it lets be known on the way. */
  readonly says: readonly {readonly afterMs: number; readonly what: Saying}[];
}

export type Saying =
  | {readonly type: 'session'; readonly session: SessionMark}
  | {readonly type: 'signal'; readonly signal: ProviderSignal};

export interface FateOptions {
  readonly behaviour: Behaviour;
  readonly dice: Dice;
  readonly faults: Faults;
  readonly tally: Tally;
  readonly trait: AgentTrait;
  /** Somebody notices when it gives no sign of life. */
  readonly isWatched: boolean;
}

/** The smallest amount of money: a power of two, so that sums are exact in any order. */
const CENT = 1 / 1024;

export function fateOf(assignment: Assignment, options: FateOptions): Fate {
  const {behaviour, dice, trait} = options;
  const {spec, means} = assignment;
  // Whole numbers and halves of halves, whose sums are exact in any order.
  const ownMs = Math.ceil(dice.between(behaviour.minMs, behaviour.maxMs) * trait.pace);
  const hangsAfterMs = hangs(options) ? ownMs * dice.between(0, 1) : null;
  const endsMs = behaviour.neverExits || hangsAfterMs !== null ? Number.POSITIVE_INFINITY : ownMs;
  const {timeoutMs} = spec;
  const says = means ? sayings(assignment, means, {dice, ownMs}) : [];
  const own = means ? outcomeOfPrompt(assignment, means, options) : outcomeOfCommand(assignment, options);
  if (timeoutMs !== undefined && endsMs > timeoutMs) {
    const {usage: used, work = null} = own;
    const outcome = {...failed(timeoutMs, {reason: 'timed-out', timeoutMs}), usage: used, work};
    return {durationMs: timeoutMs, outcome, hangsAfterMs, says};
  }
  return {durationMs: endsMs, outcome: {...own, durationMs: ownMs}, hangsAfterMs, says};
}

function hangs({dice, faults, tally, trait, isWatched}: FateOptions): boolean {
  if (!isWatched || !dice.chance(Math.max(faults.attemptHangs, trait.hangs))) return false;
  tally.add('fault: attempt hangs');
  return true;
}

export function failed(durationMs: number, failure: Failure): AttemptOutcome {
  return {result: {ok: false, failure}, durationMs, usage: UNKNOWN_USAGE, outputBytes: null};
}

/** What an attempt that is stopped has used of what it may. */
export function usedWhenStopped({means}: Assignment, dice: Dice): Usage {
  if (!means || dice.chance(0.5)) return UNKNOWN_USAGE;
  const share = dice.between(0, 1);
  const {usd, tokens} = means.cap;
  return usage({usd: floor((usd ?? 1) * share), tokens: Math.floor((tokens ?? 10_000) * share)});
}

function outcomeOfCommand(assignment: Assignment, {behaviour, dice, trait}: FateOptions): AttemptOutcome {
  const {spec} = assignment;
  const ms = behaviour.minMs;
  const isBad = dice.chance(Math.max(behaviour.failureChance, trait.spoils));
  const failure = isBad ? randomFailure(dice, spec.verify !== undefined) : null;
  if (failure) return {...failed(0, failure), ...(dice.chance(0.5) ? madeBy(assignment) : {})};
  const used = dice.chance(0.5)
    ? UNKNOWN_USAGE
    : {...UNKNOWN_USAGE, cpuSeconds: Math.ceil(ms) / 2048, maxRssBytes: 1e7};
  const isChanged = spec.workspace !== undefined && dice.chance(behaviour.changeChance);
  return {...success(assignment), usage: used, ...(isChanged ? madeBy(assignment) : {})};
}

function outcomeOfPrompt(assignment: Assignment, means: AttemptMeans, options: FateOptions): AttemptOutcome {
  const {behaviour, dice, faults, tally} = options;
  const {spec} = assignment;
  if (dice.chance(behaviour.alwaysLimited ? 1 : faults.providerLimits)) {
    tally.add('fault: provider limits');
    const little = dice.pick([UNKNOWN_USAGE, usage({usd: 0, tokens: 0}), usage({usd: CENT, tokens: 8})]);
    return {...failed(0, randomLimit(means, dice)), usage: little};
  }
  const cost = {usd: behaviour.cents * CENT, tokens: behaviour.tokens};
  const {cap} = means;
  if ((cap.usd !== null && cost.usd > cap.usd) || (cap.tokens !== null && cost.tokens > cap.tokens)) {
    tally.add('attempt over its cap');
    const used = usage({usd: floor(cap.usd ?? cost.usd) + CENT, tokens: Math.floor(cap.tokens ?? cost.tokens) + 1});
    return {...failed(0, {reason: 'over-cap', capUsd: cap.usd, capTokens: cap.tokens}), usage: used};
  }
  const known = dice.chance(faults.usageUnknown) ? unknownSome(usage(cost), dice) : usage(cost);
  const isBad = dice.chance(Math.max(behaviour.failureChance, options.trait.spoils));
  const failure = isBad ? agentFailure(assignment, means, dice) : null;
  if (failure) return {...failed(0, failure), usage: known, ...(dice.chance(0.5) ? madeBy(assignment) : {})};
  const good = {...success(assignment), usage: known, ...(dice.chance(0.05) ? {warnings: ['outside of touches']} : {})};
  if (spec.reviews !== undefined) {
    if (dice.chance(faults.taskFailure * 0.2)) return good;
    return {...good, verdict: verdictOn(assignment, {behaviour, dice, faults})};
  }
  const isChanged = spec.change === 'required' || (spec.change !== 'none' && dice.chance(behaviour.changeChance));
  return {...good, ...(isChanged ? madeBy(assignment) : {})};
}

function success({spec}: Assignment): AttemptOutcome {
  const outputBytes = spec.outputs === undefined ? null : 100;
  return {result: {ok: true}, durationMs: 0, usage: UNKNOWN_USAGE, outputBytes};
}

function verdictOn(
  {attempt}: Assignment,
  {behaviour, dice, faults}: Pick<FateOptions, 'behaviour' | 'dice' | 'faults'>,
): Verdict {
  const approved = !dice.chance(Math.max(faults.reviewRejects, behaviour.failureChance / 2));
  return {approved, comments: approved ? 'good' : `wrong at line ${attempt}`};
}

/** A commit that no other attempt makes. */
function madeBy({attempt, taskId, spec}: Assignment): {work?: Work} {
  if (spec.workspace === undefined) return {};
  const commit = attempt.toString(16).padStart(40, 'c');
  const ref = `refs/godel/team/${taskId}/${attempt}`;
  return {work: {commit, base: '0'.repeat(40), ref, files: 1, insertions: 2, deletions: 1}};
}

/** An agent tells of its session soon or never; one that goes on in another may be given a new one. */
function sayings(
  {attempt, number}: Assignment,
  {provider, runtime}: AttemptMeans,
  {dice, ownMs}: {dice: Dice; ownMs: number},
): Fate['says'] {
  const session = (name: string): Saying => {
    return {type: 'session', session: {attempt: number, runtime, session: `${attempt}-${name}`, folder: '/worktree'}};
  };
  const signal: Saying = {
    type: 'signal',
    signal: {provider, kind: dice.pick(['ok', 'throttled', 'overloaded']), retryAfterMs: dice.pick([null, 500])},
  };
  return [
    ...(dice.chance(0.8) ? [{afterMs: ownMs * dice.between(0, 0.2), what: session('a')}] : []),
    ...(dice.chance(0.15) ? [{afterMs: ownMs * dice.between(0.2, 0.9), what: session('b')}] : []),
    ...(dice.chance(0.2) ? [{afterMs: ownMs * dice.between(0, 1), what: signal}] : []),
  ];
}

function randomLimit({provider}: AttemptMeans, dice: Dice): Failure {
  const kind = dice.pick(['throttled', 'throttled', 'overloaded', 'quota'] as const);
  const retryAfterMs = dice.chance(0.4) ? null : Math.round(dice.spread(100, kind === 'quota' ? 3_600_000 : 30_000));
  return {reason: 'provider-limited', provider, kind, retryAfterMs, detail: 'simulated'};
}

function agentFailure({spec}: Assignment, {runtime}: AttemptMeans, dice: Dice): Failure {
  const crashed: Failure = {reason: 'agent-error', runtime, kind: 'crashed', detail: 'simulated', exitCode: 1};
  const verifies = spec.verify === undefined ? crashed : randomFailure(dice, true);
  const unchanged: Failure = spec.change === 'required' ? {reason: 'no-change'} : crashed;
  const garbage: Failure = {...crashed, kind: 'bad-output', exitCode: 0};
  return dice.pick([crashed, {...crashed, kind: 'refused', exitCode: 0}, garbage, verifies, unchanged]);
}

function randomFailure(dice: Dice, verifies: boolean): Failure {
  const ended = {exitCode: 1, signal: null, tail: ''};
  return dice.pick<Failure>([
    {reason: 'command-failed', ...ended},
    {reason: 'command-failed', exitCode: null, signal: 'SIGSEGV', tail: ''},
    {reason: verifies ? 'verify-failed' : 'command-failed', ...ended},
    {reason: 'memory-exceeded', limitBytes: 1e8, usedBytes: 2e8},
    {reason: 'disk-exceeded', limitBytes: 1e8, usedBytes: 2e8},
    {reason: 'output-invalid', expected: 'json', detail: 'Unexpected token'},
    {reason: 'output-too-large', limitBytes: 1e6},
  ]);
}

function usage({usd, tokens}: {usd: number; tokens: number}): Usage {
  const outputTokens = Math.floor(tokens / 4);
  return {...UNKNOWN_USAGE, usd, inputTokens: tokens - outputTokens, outputTokens};
}

function unknownSome(known: Usage, dice: Dice): Usage {
  return dice.pick([UNKNOWN_USAGE, {...known, usd: null}, {...known, inputTokens: null, outputTokens: null}]);
}

function floor(usd: number): number {
  return Math.floor(usd / CENT) * CENT;
}
