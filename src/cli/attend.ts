import type {ApiClient} from '../api/client.ts';
import {shellWord} from '../base/shell-word.ts';
import type {Budget} from '../model/budget.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {failureText} from '../model/failure-text.ts';
import type {TeamView} from '../model/team-view.ts';
import {ask, canAsk} from './ask.ts';
import type {Cli} from './cli.ts';
import {type Display, openDisplay} from './display.ts';
import {follow} from './follow.ts';
import type {Interrupt} from './interrupts.ts';

/** How waiting for a team ended: the team was over, or we left it to itself. */
export type Attendance =
  | {readonly how: 'over'; readonly view: TeamView; readonly by: Interrupt | null}
  | {readonly how: 'left'; readonly kind: ExitKind};

/**
 * following ──Ctrl-C on a terminal──► asking ──► following | left | ending
 *     └──any other interrupt───────────────────────────────────► ending ──interrupt──► left
 */
type State = 'following' | 'asking' | 'ending' | 'left';

/** Waits for a team that this command is answerable for, shows its progress, and ends it when interrupted. */
export async function attend(cli: Cli, client: ApiClient, team: string): Promise<Attendance> {
  const display = await openDisplay(cli);
  const attendant = new Attendant(cli, client, team, display);
  const unlisten = cli.interrupts.listen(signal => attendant.interrupt(signal));
  try {
    return await attendant.wait();
  } finally {
    unlisten();
    display.close();
  }
}

class Attendant {
  readonly #cli: Cli;
  readonly #client: ApiClient;
  readonly #team: string;
  readonly #display: Display;
  readonly #leave = new AbortController();
  readonly #question = new AbortController();
  #state: State = 'following';
  #by: Interrupt | null = null;
  #kind: ExitKind = 'ok';
  #ending: Promise<unknown> = Promise.resolve();
  /** It stands still for its budget, and that has been said. */
  #isBudgetSaid = false;

  constructor(cli: Cli, client: ApiClient, team: string, display: Display) {
    this.#cli = cli;
    this.#client = client;
    this.#team = team;
    this.#display = display;
  }

  async wait(): Promise<Attendance> {
    const {print} = this.#cli;
    const view = await follow(this.#client, this.#team, {
      until: isAtRest,
      onView: view => {
        if (this.#state === 'asking') return;
        this.#display.show(view);
        this.#lookAtBudget(view);
      },
      ...(print.json === 'lines' ? {onEvent: event => print.value(event)} : {}),
      signal: this.#leave.signal,
    });
    this.#question.abort();
    if (view === null) return {how: 'left', kind: this.#kind};
    await this.#ending;
    return {how: 'over', view, by: this.#by};
  }

  interrupt(signal: Interrupt): void {
    if (this.#state === 'following' && signal === 'SIGINT' && canAsk(this.#cli)) void this.#ask();
    else if (this.#state === 'ending') this.#leaveIt(signal === 'SIGINT' ? 'sigint' : 'sigterm');
    else if (this.#state !== 'left') this.#end(signal);
  }

  /** A team that has paused by itself waits for somebody: it is said once, and asked where that was wanted and somebody sits. */
  #lookAtBudget(view: TeamView): void {
    const {pausedBecause, settings} = view;
    if (pausedBecause === undefined) this.#isBudgetSaid = false;
    else if (!this.#isBudgetSaid && this.#state === 'following') {
      this.#isBudgetSaid = true;
      if (settings?.onBudget === 'ask' && canAsk(this.#cli)) void this.#askForBudget(view, pausedBecause);
      else
        this.#display.say(
          `${pausedBecause} Let it go on with \`godel team resume ${shellWord(view.team)} ${moreOf(view)}\`.`,
        );
    }
  }

  async #askForBudget(view: TeamView, why: string): Promise<void> {
    this.#state = 'asking';
    this.#display.pause();
    const answer = await ask(this.#cli, {
      text: `${why} Double its budget (d), end it (e), leave it standing (l), go on watching (g)? `,
      keys: ['d', 'e', 'l', 'g'],
      otherwise: 'g',
      signal: this.#question.signal,
    });
    if (this.#isDecided()) return;
    if (answer === 'l') return this.#leaveIt('ok');
    await this.#display.resume();
    if (answer === 'e') return this.#end('SIGINT');
    this.#state = 'following';
    if (answer !== 'd') return;
    const resumed = await this.#client.resume(this.#team, {budget: doubled(view)});
    if (!resumed.ok) this.#display.say(failureText(resumed.failure));
  }

  async #ask(): Promise<void> {
    this.#state = 'asking';
    this.#display.pause();
    const answer = await ask(this.#cli, {
      text: `Team ${this.#team} is running. Leave it running (l), end it (e), go on watching (g)? `,
      keys: ['l', 'e', 'g'],
      otherwise: 'e',
      signal: this.#question.signal,
    });
    // Another interrupt, or the end of the team, may have decided while the question stood.
    if (this.#isDecided()) return;
    if (answer === 'l') return this.#leaveIt('ok');
    await this.#display.resume();
    if (answer === 'e') this.#end('SIGINT');
    else this.#state = 'following';
  }

  #end(signal: Interrupt): void {
    this.#state = 'ending';
    this.#by ??= signal;
    this.#question.abort();
    this.#display.say(`Ending team ${this.#team}…`);
    this.#ending = this.#client.kill(this.#team).then(answer => {
      // Not ended means that the feed ends with the same failure, which is then the command's.
      if (!answer.ok) this.#display.say(`Team ${this.#team} could not be ended.`);
    });
  }

  #isDecided(): boolean {
    return this.#state !== 'asking';
  }

  #leaveIt(kind: ExitKind): void {
    this.#state = 'left';
    this.#kind = kind;
    this.#leave.abort();
  }
}

/** Over; or without anything to do, as a team is that was spawned without a plan. */
function isAtRest({outcome, state}: TeamView): boolean {
  return outcome !== null || state === 'idle';
}

function doubled({budget}: TeamView): Budget {
  const twice = (limit: number | null) => (limit === null ? null : 2 * limit);
  return {usd: twice(budget?.limitUsd ?? null), tokens: twice(budget?.limitTokens ?? null)};
}

/** The option that raises what it has a limit of. */
function moreOf({budget}: TeamView): string {
  return budget?.limitUsd == null && budget?.limitTokens != null ? '--budget-tokens N' : '--budget USD';
}
