import {randomInt} from 'node:crypto';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {ApiClient} from '../api/client.ts';
import {MAX_PAGE} from '../api/contract.ts';
import {plural} from '../base/amount.ts';
import {readClock, sleep} from '../base/clock.ts';
import {type ChaosFacts, chaosReport} from '../chaos/chaos-report.ts';
import {type FaultChoice, FAULTS} from '../chaos/fault.ts';
import {type FaultyPlan, faultyPlan} from '../chaos/faulty-plan.ts';
import {type LedgerLine, readLedger} from '../chaos/ledger.ts';
import type {TracedEvent} from '../model/event.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import type {Plan} from '../model/plan.ts';
import type {TaskRow} from '../model/row.ts';
import type {TeamView} from '../model/team-view.ts';
import {endStrays, findByCookie} from '../os/stray-processes.ts';
import type {ChaosOptions} from './chaos-options.ts';
import {chaosLines, type ChaosResult} from './chaos-text.ts';
import type {Cli} from './cli.ts';
import {must, noteUnheardSettings, openProject} from './connect.ts';
import {openDisplay} from './display.ts';
import {follow} from './follow.ts';
import type {Interrupt} from './interrupts.ts';
import {type PlanSource, planSource} from './plan-source.ts';
import {requestOf} from './spawn-request.ts';
import {agentsFor} from './team-agents.ts';

const AGENTS = '8';
const SILENCE_MS = 30_000;
const MEMORY_BYTES = 256 * 2 ** 20;
const SLOW_MS = 3000;
const RATE = 0.2;
/** What is still ending when the team is over has ended by then, on a busy machine too. */
const LEFT_AFTER_MS = 5000;
const LOOK_MS = 100;
const GRACE_MS = 500;

/** Runs the plan with faults as a team like any other, and reports. Its scripts and ledger are gone afterwards. */
export async function runChaos(cli: Cli, options: ChaosOptions): Promise<ExitKind> {
  const source = await planSource(cli, options);
  const plan = source?.plan;
  if (source === null || plan === undefined) throw new GodelError({reason: 'usage', message: '--plan is missing'});
  refuseNothingToBreak(options.plan, plan);
  const asked = await agentsFor(
    cli,
    plan.agents || options.count !== undefined ? options : {...options, count: AGENTS},
    plan,
  );
  const choice = choiceOf(options);
  const folder = mkdtempSync(join(tmpdir(), 'godel-chaos-'));
  try {
    const faulty = faultyPlan({document: source.document, plan}, choice, folder);
    writeFileSync(faulty.scriptFile, faulty.script);
    writeFileSync(faulty.ledgerFile, '');
    sayWhat(cli, choice, faulty);
    return await new ChaosRun(cli, options, {choice, faulty}).run({...source, document: faulty.document}, asked);
  } finally {
    rmSync(folder, {recursive: true, force: true, maxRetries: 3});
  }
}

function refuseNothingToBreak(file: string, {tasks}: Plan): void {
  if (tasks.some(({run}) => run !== undefined)) return;
  const message = `${file} has prompts only: there is nothing to break, since faults are played by commands`;
  const hint =
    'Give it a task with `run`, or put the commands that its prompts are to make work into a plan of their own.';
  throw new GodelError({reason: 'usage', message, hint});
}

function choiceOf({faults, rate, seed, silence, memory, slow}: ChaosOptions): FaultChoice {
  return {
    faults: faults ?? FAULTS,
    rate: rate ?? RATE,
    seed: seed ?? randomInt(2 ** 32),
    silenceMs: silence ?? SILENCE_MS,
    memoryBytes: memory ?? MEMORY_BYTES,
    slowMs: slow ?? SLOW_MS,
  };
}

function sayWhat({print}: Cli, {faults, rate, seed}: FaultChoice, {commands, prompts}: FaultyPlan): void {
  const spared =
    prompts === 0
      ? ''
      : `; ${plural(prompts, 'prompt')} of it ${prompts === 1 ? 'stays as it is' : 'stay as they are'}`;
  const share = `${Number((rate * 100).toFixed(2))} %`;
  print.note(
    `Faults: ${faults.join(', ')} in ${share} of the attempts of ${plural(commands, 'command')}${spared}. Repeat them with --seed ${seed}.`,
  );
}

interface Means {
  readonly choice: FaultChoice;
  readonly faulty: FaultyPlan;
}

/** One run of a plan with faults: the team, what was heard of it, and what it has left. */
class ChaosRun {
  readonly #cli: Cli;
  readonly #options: ChaosOptions;
  readonly #means: Means;
  readonly #events: TracedEvent[] = [];
  #by: Interrupt | null = null;

  constructor(cli: Cli, options: ChaosOptions, means: Means) {
    this.#cli = cli;
    this.#options = options;
    this.#means = means;
  }

  async run(source: PlanSource, asked: Awaited<ReturnType<typeof agentsFor>>): Promise<ExitKind> {
    const project = openProject(this.#cli, this.#options);
    await noteUnheardSettings(this.#cli, project, this.#options);
    const {client} = project;
    const {team} = must(await client.spawn(requestOf(this.#cli, {...this.#options, ...asked}, source)));
    const view = await this.#attend(client, team);
    if (view === null) return this.#interrupted();
    const tasks = await tasksOf(client, team);
    const ledger = this.#ledger();
    const left = await this.#leftOf(ledger);
    const result = this.#resultOf(view, {tasks, ledger, left});
    const {print} = this.#cli;
    if (print.json !== 'none') print.value(result);
    else for (const line of chaosLines(result, print)) print.line(line);
    if (this.#by !== null) return this.#interrupted();
    return result.ok ? 'ok' : 'tasks';
  }

  /** Shows its progress until it is over. An interrupt ends it; another one, or a daemon that does not answer, leaves it. */
  async #attend(client: ApiClient, team: string): Promise<TeamView | null> {
    const {print, interrupts} = this.#cli;
    const display = await openDisplay(this.#cli);
    const leave = new AbortController();
    let ending: Promise<unknown> = Promise.resolve();
    const unlisten = interrupts.listen(signal => {
      if (this.#by !== null) return leave.abort();
      this.#by = signal;
      display.say(`Ending team ${team}…`);
      ending = client.kill(team);
    });
    try {
      const view = await follow(client, team, {
        onView: each => display.show(each),
        onEvent: event => {
          this.#events.push(event);
          if (print.json === 'lines') print.value(event);
        },
        signal: leave.signal,
      });
      if (view !== null) await ending;
      return view;
    } finally {
      unlisten();
      display.close();
    }
  }

  #interrupted(): ExitKind {
    return this.#by === 'SIGTERM' ? 'sigterm' : 'sigint';
  }

  #ledger(): readonly LedgerLine[] {
    return readLedger(readFileSync(this.#means.faulty.ledgerFile, 'utf8'));
  }

  /** Processes of the team's attempts that live though it is over. They are told of, and ended. */
  async #leftOf(ledger: readonly LedgerLine[]): Promise<readonly number[]> {
    const cookies = new Set(ledger.map(({cookie}) => cookie));
    if (cookies.size === 0) return [];
    const deadline = readClock().monoMs + LEFT_AFTER_MS;
    let left = findByCookie(cookies);
    while (left.length > 0 && readClock().monoMs < deadline) {
      await sleep(LOOK_MS);
      left = findByCookie(cookies);
    }
    if (left.length > 0) await endStrays({cookies, graceMs: GRACE_MS});
    return left.map(({pid}) => pid);
  }

  #resultOf(
    {team, durationMs, outcome}: TeamView,
    {tasks, ledger, left}: Pick<ChaosFacts, 'tasks' | 'ledger'> & {readonly left: readonly number[]},
  ): ChaosResult {
    const {choice, faulty} = this.#means;
    const report = chaosReport({ledger, events: this.#events, tasks, retries: faulty.retries});
    return {
      v: 1,
      team,
      seed: choice.seed,
      rate: choice.rate,
      durationMs: Math.round(durationMs),
      ...report,
      processesLeft: left,
      // Whoever ends the team cuts off what would have come of the rest.
      ok:
        this.#by === null &&
        (outcome === 'ok' || outcome === 'tasks-failed') &&
        report.troubles.length === 0 &&
        left.length === 0,
    };
  }
}

/** All tasks that could run: templates never do. */
async function tasksOf(client: ApiClient, team: string): Promise<readonly TaskRow[]> {
  const all: TaskRow[] = [];
  for (;;) {
    const after = all.at(-1)?.seq;
    const page = must(await client.tasks(team, {limit: MAX_PAGE, ...(after !== undefined && {after})}));
    all.push(...page);
    if (page.length < MAX_PAGE) break;
  }
  const templates = new Set(all.flatMap(({id}) => (id.includes('[') ? [id.slice(0, id.indexOf('['))] : [])));
  return all.filter(({id}) => !templates.has(id));
}
