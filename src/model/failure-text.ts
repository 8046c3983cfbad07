import {plural, usdText} from '../base/amount.ts';
import {formatDuration} from '../base/duration.ts';
import {never} from '../base/never.ts';
import {oneLine} from '../base/one-line.ts';
import {shellWord} from '../base/shell-word.ts';
import {formatSize} from '../base/size.ts';
import type {Failure, PlanProblem, StopReason} from './failure.ts';
import {tellingLine} from './telling-line.ts';

/** One readable sentence or two: what happened, to which named thing, and what to do next. Safe to show on a terminal. */
export function failureText(failure: Failure): string {
  return oneLine(sentence(failure), 1000);
}

/** The failure with every single problem it names on a line of its own, as `file:line:column: message` with its hint. */
export function failureLines(failure: Failure): string[] {
  const {reason} = failure;
  if (reason !== 'plan-invalid' && reason !== 'config-invalid' && reason !== 'memories-invalid') {
    return [failureText(failure)];
  }
  const lines = failure.problems.flatMap(problem => problemLines(failure.file, problem));
  const omitted = failure.reason === 'config-invalid' ? 0 : failure.omitted;
  return omitted > 0 ? [...lines, `… and ${plural(omitted, 'more problem')}`] : lines;
}

/** Why an attempt was stopped or a task was cancelled, to follow "because". */
export function stopText(by: StopReason): string {
  switch (by) {
    case 'user':
      return 'the team was ended by its user';
    case 'fail-fast':
      return 'another task failed and --fail-fast was given';
    case 'max-failures':
      return 'as many tasks failed as --max-failures allows';
    case 'team-timeout':
      return 'the time given with --timeout ran out';
    case 'no-host':
      return 'no host process could be started to run it';
    case 'no-agents':
      return 'no agent of the team could be made ready';
    case 'daemon-lost':
      return 'its host lost the daemon and could not start another one';
    case 'superseded':
      return 'another attempt of the task took its place';
    case 'budget':
      return 'what is left of the budget does not pay for another attempt';
    case 'quota':
      return 'the quota of the provider is used up';
    case 'silent':
      return 'it gave no sign of life for too long';
    case 'agent-killed':
      return 'its agent was killed or restarted';
    case 'lost-race':
      return 'another attempt at the same task was faster';
    default:
      return never(by);
  }
}

function sentence(failure: Failure): string {
  switch (failure.reason) {
    case 'usage':
      return withHint(failure.message, failure.hint);
    case 'out-of-range':
      return `${failure.what} is ${JSON.stringify(failure.value)}, but must be ${failure.range}${because(failure.why)}.`;
    case 'plan-unreadable':
      return withHint(`Cannot read the plan ${failure.file}: ${failure.detail}`, failure.hint);
    case 'plan-invalid':
      return invalidText('plans', failure.file, failure.problems, failure.omitted);
    case 'config-invalid':
      return invalidText('settings', failure.file, failure.problems, 0);
    case 'team-exists':
      return `There is already a team ${quote(failure.name)} (${failure.state}). Choose another --name, or remove it with \`godel team rm ${shellWord(failure.name)}\`.`;
    case 'team-not-found':
      return `There is no team ${quote(failure.name)}. ${knownTeams(failure.known)}`;
    case 'team-ambiguous':
      return failure.known.length === 0
        ? 'There is no team yet. Spawn one with `godel team spawn --count 4 --plan FILE`.'
        : `Which team? There are ${list(failure.known)}. Give the name of one.`;
    case 'team-active':
      return `Team ${quote(failure.name)} is ${failure.state}. End it first with \`godel team kill ${shellWord(failure.name)}\`.`;
    case 'team-over':
      return `Team ${quote(failure.name)} is ${failure.state === 'draining' ? 'draining' : `over (${failure.state})`}, so nothing of it can be changed any more.`;
    case 'team-busy':
      return `Team ${quote(failure.name)} is at work: ${plural(failure.open, 'task')} of it ${failure.open === 1 ? 'is' : 'are'} not over. Wait for it with \`godel team wait ${shellWord(failure.name)}\`, or spawn another team.`;
    case 'group-not-found':
      return `Team ${quote(failure.team)} has no group ${quote(failure.group)}. Its groups: ${list(failure.known)}.`;
    case 'agent-not-found':
      return `Team ${quote(failure.team)} has no agent ${quote(failure.agent)}.${similar(failure.similar)}`;
    case 'agent-leaving':
      return `Agent ${quote(failure.agent)} of team ${quote(failure.team)} is leaving: it can neither be paused nor resumed, and is gone when what it is at work on is done. \`godel team pause ${shellWord(failure.team)}\` holds that as well.`;
    case 'nothing-to-retry':
      return `Nothing of team ${quote(failure.team)} goes again: ${stopped(failure.why)}`;
    case 'task-not-found':
      return `Team ${quote(failure.team)} has no task ${quote(failure.task)}.${similar(failure.similar)}`;
    case 'command-failed':
      return `Its command ${ended(failure)}${tailText(failure.tail)}`;
    case 'verify-failed':
      return `Its verify command ${ended(failure)}${tailText(failure.tail)}`;
    case 'spawn-failed':
      return `Its command could not be started (${failure.code}): ${failure.detail}. ${spawnAdvice(failure.code)}`;
    case 'timed-out':
      return `It ran longer than its timeout of ${formatDuration(failure.timeoutMs)} and was stopped. Raise \`timeout\` in the plan if it needs more.`;
    case 'silent':
      return `It gave no sign of life for ${formatDuration(failure.silentMs)} (nothing printed, no processor time) and was stopped. If that is normal for it, raise \`silence\` of the task (now ${formatDuration(failure.budgetMs)}).`;
    case 'runtime-unavailable':
      return unavailableText(failure);
    case 'output-invalid':
      return `It succeeded but its standard output is not ${failure.expected.toUpperCase()} as \`outputs: ${failure.expected}\` promises: ${failure.detail}. Print only the value there, and messages on standard error.`;
    case 'memory-exceeded':
      return `Its processes used ${formatSize(failure.usedBytes)} of memory together; its limit is ${formatSize(failure.limitBytes)}. Have it do with less, or raise \`limits.memory\` of the task.`;
    case 'disk-exceeded':
      return `Its worktree took ${formatSize(failure.usedBytes)} of the disk; its limit is ${formatSize(failure.limitBytes)}. Have it write less, or raise \`limits.disk\` of the task.`;
    case 'output-too-large':
      return `Its output is larger than ${formatSize(failure.limitBytes)}. Print less, write it to a file, or raise the limit: \`output-cap\` in godel.config.yaml, or \`limits.output\` where the task has that.`;
    case 'output-unwritable':
      return `What it printed could not be written to ${failure.file} (${failure.code}): ${failure.detail}. Make room on that disk, or make the folder writable.`;
    case 'foreach-invalid':
      return `Its \`foreach\` cannot be expanded: ${failure.detail}`;
    case 'instances-failed':
      return `${failure.failed} of its ${failure.total} instances failed.`;
    case 'agent-error':
      return agentErrorText(failure);
    case 'provider-limited':
      return limitedText(failure);
    case 'no-change':
      return 'It reported success but has changed no file, and a change was asked for. If none is needed, say `change: optional` in the plan.';
    case 'outside-touches':
      return outsideText(failure);
    case 'over-cap':
      return `It had used ${failure.capUsd === null ? `${failure.capTokens ?? '?'} tokens` : usdText(failure.capUsd)}, which is what one attempt of it may, and was stopped. Give the task a higher \`estimate\`, or the team a higher --budget.`;
    case 'workspace-failed':
      return withHint(`Its worktree could not be used: ${failure.detail}`, failure.hint);
    case 'merge-conflict':
      return `Its change conflicts with what others have merged, in ${list(failure.files)}. Nothing is lost: it is kept in ${failure.ref}. Take ${failure.branch} over with \`godel team merge\`, then it with \`git cherry-pick ${failure.ref}\`.`;
    case 'merge-verify-failed':
      return `Merged into the branch of the team it makes the plan's verify command fail: it ${ended({...failure, signal: null})}${tailText(failure.tail)} The change is kept in ${failure.ref}.`;
    case 'review-rejected':
      return `Its reviewer sent it back ${times(failure.rounds)}, last with: ${failure.comments}`;
    case 'budget-exhausted':
      return `${budgetUsedText(failure)} Raise --budget and spawn again; what is merged stays.`;
    case 'price-unknown':
      return `A budget in USD cannot be kept: nobody knows what ${modelText(failure)} costs. Give its price under \`prices:\` in godel.config.yaml, or limit tokens with --budget-tokens instead.`;
    case 'repository-required':
      return withHint(
        `Coding agents work in git worktrees, and ${failure.folder} is no place for that: ${failure.detail}`,
        'Run godel inside a git repository (`git init` makes one)',
      );
    case 'runtime-missing':
      return withHint(`The runtime ${failure.runtime} cannot be used here: ${failure.detail}`, failure.hint);
    case 'spawn-refused':
      return `An agent may not spawn a team here: ${failure.detail} Allow it with \`--allow spawn\` when you spawn its team.`;
    case 'git-failed':
      return withHint(`git failed: ${failure.detail}`, failure.hint);
    case 'stopped':
      return `Stopped because ${stopText(failure.by)}.`;
    case 'attempts-lost':
      return `It was lost ${times(failure.times)} together with its host (last: ${failure.lastHost}). Look into \`godel daemon logs\` and the machine's memory.`;
    case 'agent-failed':
      return `Agent ${failure.agent} could not be made ready: ${failure.detail}`;
    case 'host-start-failed':
      return `The host process did not start in ${plural(failure.times, 'try', 'tries')}: ${failure.detail}. Look into \`godel daemon logs\`.`;
    case 'team-timed-out':
      return `The team was not done after ${formatDuration(failure.timeoutMs)} (--timeout) and was ended.`;
    case 'daemon-unreachable':
      return withHint(`The daemon cannot be reached: ${failure.detail}`, failure.hint);
    case 'daemon-incompatible':
      return incompatibleText(failure);
    case 'project-unusable':
      return withHint(`godel cannot work in ${failure.path}: ${failure.detail}`, failure.hint);
    case 'store-unusable':
      return withHint(`The store ${failure.path} cannot be used: ${failure.detail}`, failure.hint);
    case 'memory-not-found':
      return withHint(`There is no ${failure.what}.${similar(failure.similar)}`, failure.hint);
    case 'memory-ambiguous':
      return `${quote(failure.id)} is the beginning of several ids: ${list(failure.matches)}. Give more of it.`;
    case 'memories-invalid':
      return invalidText('memories', failure.file, failure.problems, failure.omitted);
    case 'memory-unusable':
      return withHint(`The memory cannot be used: ${failure.detail}`, failure.hint);
    case 'memory-refused':
      return withHint(`The hub does not take this: ${failure.detail}`, failure.hint);
    case 'platform-unsupported':
      return `godel does not run on ${failure.platform}: it needs Linux or macOS (on Windows, use it inside WSL 2).`;
    case 'interrupted':
      return `Interrupted (${failure.signal}).`;
    case 'unexpected':
      return `Internal error: ${withHint(failure.message, undefined)} This is a bug in godel; please report it.`;
    default:
      return never(failure);
  }
}

function agentErrorText({runtime, kind, detail}: Extract<Failure, {reason: 'agent-error'}>): string {
  const said = detail.trim() === '' ? '' : `: ${detail.trim()}`;
  switch (kind) {
    case 'auth':
      return withHint(`${runtime} is not logged in, or its key is not accepted${said}`, `see \`godel runtimes\``);
    case 'refused':
      return withHint(`${runtime} refused the task${said}`, undefined);
    case 'permission-denied':
      return withHint(`${runtime} was denied something it needed${said}`, 'allow it with --allow if you want that');
    case 'context-too-long':
      return withHint(`The task is more than the model of ${runtime} can take in${said}`, 'split it into smaller ones');
    case 'bad-output':
      return withHint(`${runtime} did not answer in the form that was asked for${said}`, undefined);
    case 'crashed':
      return withHint(`${runtime} ended without a result${said}`, undefined);
    default:
      return never(kind);
  }
}

function limitedText({provider, kind, retryAfterMs, detail}: Extract<Failure, {reason: 'provider-limited'}>): string {
  const what = {throttled: 'limits the rate of requests', quota: 'has no quota left', overloaded: 'is overloaded'}[
    kind
  ];
  const wait = retryAfterMs === null ? '' : ` (try again in ${formatDuration(retryAfterMs)})`;
  return withHint(`The provider ${provider} ${what}${wait}${detail === '' ? '' : `: ${detail}`}`, undefined);
}

function unavailableText(failure: Extract<Failure, {reason: 'runtime-unavailable'}>): string {
  const {what, name, retryAfterMs, detail} = failure;
  const wait = formatDuration(Math.max(1, Math.ceil(retryAfterMs / 1000)) * 1000);
  const last = detail === '' ? '' : ` The last one said: ${detail}`;
  return stopped(`The ${what} ${name} fails again and again and is left alone; the next try is in ${wait}.${last}`);
}

function outsideText({files, omitted, globs}: Extract<Failure, {reason: 'outside-touches'}>): string {
  const more = omitted > 0 ? ` and ${omitted} more` : '';
  return globs.length === 0
    ? `It has changed ${list(files)}${more}, and was to change nothing.`
    : `It has changed ${list(files)}${more}, outside of \`touches\` (${globs.join(', ')}).`;
}

function modelText({runtime, model}: {runtime: string; model: string | null}): string {
  return model === null ? `the model that ${runtime} chooses` : `${runtime}/${model}`;
}

function invalidText(
  what: 'plans' | 'settings' | 'memories',
  file: string,
  problems: readonly PlanProblem[],
  omitted: number,
): string {
  const [first] = problems;
  const total = problems.length + omitted;
  if (first === undefined) return `The ${what} in ${file} are invalid.`;
  const rest = total > 1 ? ` (and ${plural(total - 1, 'more problem')})` : '';
  return `${placed(file, first)}${rest}${first.hint === undefined ? '' : `. ${capital(stopped(first.hint))}`}`;
}

/** One problem of a file at its place, with its hint below. */
export function problemLines(file: string, problem: PlanProblem): string[] {
  const line = oneLine(placed(file, problem), 1000);
  return problem.hint === undefined ? [line] : [line, `  ${oneLine(capital(problem.hint), 1000)}`];
}

function placed(file: string, {line, column, message}: PlanProblem): string {
  const place = [file, line, column].filter(part => part !== undefined).join(':');
  return `${place}: ${message}`;
}

function incompatibleText(failure: Extract<Failure, {reason: 'daemon-incompatible'}>): string {
  const versions = `The running daemon is godel ${failure.daemonVersion} and this is godel ${failure.ourVersion}.`;
  return failure.older === 'daemon'
    ? `${versions} Restart it with \`godel daemon stop\` and \`godel daemon start\` when no team is running.`
    : `${versions} Use the newer godel, or stop the daemon with it first.`;
}

function ended({exitCode, signal}: {exitCode: number | null; signal: string | null}): string {
  if (signal !== null) return `was ended by ${signal}`;
  return exitCode === null ? 'ended in an unknown way' : `exited with code ${exitCode}`;
}

function tailText(tail: string): string {
  const line = tellingLine(tail, 300);
  return line === null ? ' without printing anything.' : `: ${line}`;
}

function spawnAdvice(code: string): string {
  if (code === 'ENOENT') return 'Check `working-directory` and that the shell exists.';
  if (code === 'EAGAIN' || code === 'ENOMEM') return 'The machine is short of processes or memory; use fewer agents.';
  if (code === 'EMFILE' || code === 'ENFILE') return 'Allow more open files (`ulimit -n`), or use fewer agents.';
  if (code === 'E2BIG') return 'Hand over large texts in files: a script or a variable may have 128 KiB.';
  return 'Check the permissions of its working directory.';
}

function knownTeams(known: readonly string[]): string {
  return known.length === 0 ? 'There are no teams in this project.' : `Teams here: ${list(known)}.`;
}

function similar(candidates: readonly string[]): string {
  return candidates.length === 0 ? '' : ` ${didYouMean(candidates)}`;
}

/** `Did you mean "a", "b" or "c"?` */
export function didYouMean(candidates: readonly string[]): string {
  return `Did you mean ${list(candidates, 'or')}?`;
}

function withHint(message: string, hint: string | undefined): string {
  if (hint === undefined) return stopped(message);
  return `${stopped(message)} ${capital(stopped(hint))}`;
}

/** Ended as a sentence is. */
function stopped(text: string): string {
  return /[.!?…]$/.test(text) ? text : `${text}.`;
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}

function because(why: string | undefined): string {
  return why === undefined ? '' : ` (${why})`;
}

/** At most ten names, the rest counted. */
function list(names: readonly string[], word: 'and' | 'or' = 'and'): string {
  const shown = names.slice(0, 10).map(quote);
  if (names.length > 10) return `${shown.join(', ')} and ${names.length - 10} more`;
  return shown.length < 2 ? shown.join('') : `${shown.slice(0, -1).join(', ')} ${word} ${shown.at(-1) ?? ''}`;
}

function quote(name: string): string {
  return `"${name}"`;
}

function times(amount: number): string {
  if (amount === 1) return 'once';
  return amount === 2 ? 'twice' : `${amount} times`;
}

/** What has become of a budget, without what to do about it. */
export function budgetUsedText({
  what,
  limit,
  used,
}: Omit<Extract<Failure, {reason: 'budget-exhausted'}>, 'reason'>): string {
  const amount = (value: number) => (what === 'usd' ? usdText(value) : String(value));
  return `The budget of ${amount(limit)}${what === 'usd' ? '' : ' tokens'} does not pay for another attempt (${amount(used)} used or reserved).`;
}
