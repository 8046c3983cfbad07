import {join} from 'node:path';
import {sleep} from '../base/clock.ts';
import {fail, type Result} from '../base/result.ts';
import type {Failure, StopReason} from '../model/failure.ts';
import type {AgentId, AttemptId, TeamId} from '../model/ids.ts';
import type {ProcessIdentity} from '../model/process-identity.ts';
import {UNKNOWN_USAGE} from '../model/usage.ts';
import {commandRuntime} from '../runtimes/command.ts';
import {cookieOf, endStrays} from '../os/stray-processes.ts';
import {HOST_PROTOCOL} from '../wire/host-protocol-version.ts';
import type {AttemptOrder, DaemonMessage, HostLimits, HostMessage, TeamOpening} from '../wire/host-protocol.ts';
import {readinessOf} from './agent-readiness.ts';
import {AttemptRunner, type OpenTeam} from './attempt-runner.ts';
import {emptyInputsFolderOf} from './attempt-environment.ts';
import {DaemonLink} from './daemon-link.ts';
import {EdgeBreakers} from './edge-breakers.ts';
import {FoundPrograms} from './found-programs.ts';
import {Heartbeat} from './heartbeat.ts';
import type {HostOptions} from './host-options.ts';
import {makeEmptyInputsFolder, removeFolder} from './inputs-folder.ts';
import {Progress} from './progress.ts';
import {readPart} from './read-part.ts';
import {ReportLog} from './report-log.ts';
import {Redaction} from './redaction.ts';
import {StraySweeper} from './stray-sweeper.ts';
import {AttemptWatch} from './watch/attempt-watch.ts';
import {Worktrees} from './worktrees.ts';

/** In force until a daemon has said otherwise. */
const FIRST_LIMITS: HostLimits = {
  graceMs: 60_000,
  killGraceMs: 5000,
  logCapBytes: 10 * 1024 * 1024,
  outputCapBytes: 10 * 1024 * 1024,
  spawnConcurrency: 4,
};
/** At its end a host waits this long for its last reports to be acknowledged, when there is somebody to do so. */
const LAST_REPORTS_MS = 2000;
const REAP_AGAIN_MS = 1000;

export interface HostDependencies {
  readonly build: string;
  readonly machineId: string;
  readonly identity: ProcessIdentity;
  /** Whether the process of the daemon that was there last is known to have ended. */
  readonly daemonIsGone: () => boolean;
  readonly launchDaemon: () => Promise<Result<void, Failure>>;
  readonly log: (line: string) => void;
}

/**
 *     away ──► greeting ──► welcomed ──► ending
 *       ▲          │            │           ▲
 *       └──────────┴────────────┘           │
 *       └─── grace over ────────────────────┘
 */
type State =
  | {readonly name: 'away'; readonly grace: NodeJS.Timeout}
  | {readonly name: 'welcomed'}
  | {readonly name: 'ending'; readonly by: StopReason};

type Answer = (message: HostMessage) => void;

/** The host process: does what its daemon says, keeps at it while the daemon is away, and ends itself after a while. */
export class Host {
  readonly #options: HostOptions;
  readonly #dependencies: HostDependencies;
  readonly #link: DaemonLink;
  readonly #reports: ReportLog;
  readonly #runner: AttemptRunner;
  readonly #worktrees: Worktrees;
  readonly #breakers = new EdgeBreakers(news => {
    // The first protocol with a report for it; a daemon that comes later is told again.
    if (this.#protocol >= 2) this.#reports.add({type: 'breaker', ...news});
  });
  #protocol = 1;
  readonly #watch = new AttemptWatch();
  readonly #heartbeat: Heartbeat;
  readonly #sweeper = new StraySweeper(FIRST_LIMITS.killGraceMs);
  readonly #teams = new Map<TeamId, OpenTeam>();
  readonly #agents = new Map<AgentId, TeamId>();
  /** Those whose runtimes are being looked for, with the request that counts. */
  readonly #opening = new Map<AgentId, symbol>();
  /** Agents of which has been told how they are, of teams that are open. */
  readonly #toldOf = new Map<AgentId, TeamId>();
  readonly #abort = new AbortController();
  #limits = FIRST_LIMITS;
  /** Of the teams that are over: what has to be waited for. */
  #closed: Promise<unknown> = Promise.resolve();
  #hasHadTeam = false;
  #state: State;
  #ended: () => void = () => undefined;
  /** Resolves when the host has ended. */
  readonly ended = new Promise<void>(resolve => {
    this.#ended = resolve;
  });

  constructor(options: HostOptions, dependencies: HostDependencies) {
    this.#options = options;
    this.#dependencies = dependencies;
    const send = (message: HostMessage) => this.#link.send(message);
    this.#reports = new ReportLog(send);
    this.#heartbeat = new Heartbeat(send, () => this.#watch.vitals());
    this.#worktrees = new Worktrees({
      folder: join(options.projectFolder, '.godel', 'worktrees'),
      // Loaded when it is needed: a small process forks faster.
      open: async (folder, settings) => (await import('../workspace/pool.ts')).openPool({folder, settings}),
      log: dependencies.log,
    });
    this.#runner = new AttemptRunner({
      hostId: options.hostId,
      storeId: options.storeId,
      sweeper: this.#sweeper,
      watch: this.#watch,
      progress: new Progress(send),
      worktrees: this.#worktrees,
      breakers: this.#breakers,
      report: report => this.#reports.add(report),
    });
    this.#link = new DaemonLink({
      socketPath: options.socketPath,
      headers: {'godel-version': dependencies.build, 'godel-project': options.projectId},
      hello: () => this.#hello(),
      onMessage: (message, answer) => this.#receive(message, answer),
      onLost: detail => this.#lost(detail),
      onRejected: detail => this.#rejected(detail),
      daemonIsGone: dependencies.daemonIsGone,
      launch: dependencies.launchDaemon,
      needsDaemon: () => this.#needsDaemon(),
      log: dependencies.log,
    });
    this.#state = {name: 'away', grace: this.#startGrace()};
  }

  start(): void {
    this.#link.start();
  }

  /** Stops every attempt, tells the daemon if there is one, and ends. The first reason counts. */
  end(by: StopReason): void {
    if (this.#state.name === 'ending') return;
    const wasWelcomed = this.#state.name === 'welcomed';
    if (this.#state.name === 'away') clearTimeout(this.#state.grace);
    this.#state = {name: 'ending', by};
    void this.#end(by, wasWelcomed).then(this.#ended);
  }

  async #end(by: StopReason, wasWelcomed: boolean): Promise<void> {
    this.#abort.abort();
    await this.#runner.stopAll(by);
    this.#breakers.close();
    await this.#sweeper.flush();
    await this.#closed;
    await this.#worktrees.tidy();
    if (wasWelcomed) await Promise.race([this.#reports.settled(), sleep(LAST_REPORTS_MS)]);
    this.#heartbeat.close();
    this.#runner.close();
    this.#watch.close();
    await this.#link.close();
  }

  #hello(): HostMessage {
    const {build, machineId, identity} = this.#dependencies;
    const {projectId, storeId, hostId} = this.#options;
    const {paused} = this.#runner;
    return {
      type: 'hello',
      protocol: HOST_PROTOCOL,
      build,
      projectId,
      storeId,
      hostId,
      machineId,
      process: identity,
      holds: this.#holds(),
      agents: [...this.#agents.keys()],
      teams: [...this.#teams.keys()],
      ...(paused.length > 0 && {paused}),
    };
  }

  /** A host is started because there is work; until it has been told which, its daemon has died before it could. */
  #needsDaemon(): boolean {
    if (this.#state.name === 'ending') return false;
    return !this.#hasHadTeam || this.#teams.size > 0 || this.#holds().length > 0;
  }

  /** Attempts accepted whose outcome no daemon has acknowledged. */
  #holds(): AttemptId[] {
    const unacknowledged = this.#reports.pending.flatMap(report =>
      report.type === 'attempt-finished' ? [report.attempt] : [],
    );
    return [...this.#runner.running, ...unacknowledged];
  }

  #lost(detail: string): void {
    this.#reports.disconnected();
    this.#heartbeat.protocol = null;
    this.#runner.disconnected();
    if (this.#state.name !== 'welcomed') return;
    this.#dependencies.log(`lost the daemon: ${detail}`);
    this.#state = {name: 'away', grace: this.#startGrace()};
  }

  /** Ending makes the attempts lost ones, which are given out again; a loop would keep them for ever. */
  #rejected(detail: string): void {
    this.#dependencies.log(`daemon and host cannot take each other's messages (${detail}): stopping everything`);
    this.end('superseded');
  }

  #startGrace(): NodeJS.Timeout {
    return setTimeout(() => {
      this.#dependencies.log(`no daemon for ${this.#limits.graceMs} ms: stopping everything`);
      this.end('daemon-lost');
    }, this.#limits.graceMs);
  }

  #receive(message: DaemonMessage, answer: Answer): void {
    switch (message.type) {
      case 'welcome':
        return this.#welcomed(message);
      case 'refuse':
        this.#dependencies.log(`the daemon refuses this host: ${message.detail}`);
        return this.end('superseded');
      case 'open-team':
        return this.#openTeam(message.team);
      case 'open-agents':
        return void this.#openAgents(message);
      case 'close-team':
        return this.#closing(this.#closeTeam(message.teamId));
      case 'assign':
        for (const order of message.orders) this.#assign(order);
        return;
      case 'stop':
        return this.#runner.stop(message.attempts, message.by);
      case 'pause':
        return this.#runner.pause(message.attempts, message.paused);
      case 'close-agents':
        return this.#closeAgents(message);
      case 'reap':
        return void this.#reap(message, answer);
      case 'read':
        return void this.#read(message, answer);
      case 'ack':
        this.#reports.acknowledge(message.report);
        return;
      case 'ask-beat':
        return this.#heartbeat.beatNow();
      case 'shutdown':
        return this.end('daemon-lost');
      default:
        this.#dependencies.log(`ignored a message of unknown type ${JSON.stringify(message satisfies never)}`);
    }
  }

  #welcomed({limits, protocol}: Extract<DaemonMessage, {type: 'welcome'}>): void {
    this.#limits = limits;
    this.#sweeper.graceMs = limits.killGraceMs;
    if (this.#state.name === 'away') {
      clearTimeout(this.#state.grace);
      this.#state = {name: 'welcomed'};
      this.#dependencies.log('welcomed by the daemon');
    }
    this.#reports.connected();
    this.#protocol = protocol;
    this.#breakers.retell();
    this.#watch.retell();
    this.#heartbeat.protocol = protocol;
  }

  #openTeam(team: TeamOpening): void {
    this.#hasHadTeam = true;
    makeEmptyInputsFolder(emptyInputsFolderOf(team));
    const {runtime = commandRuntime({env: team.env}), found = new FoundPrograms()} = this.#teams.get(team.teamId) ?? {};
    this.#teams.set(team.teamId, {team, runtime, redaction: Redaction.of(team.env, team.secrets ?? []), found});
    this.#heartbeat.hasTeams = true;
  }

  async #openAgents({teamId, agents, runtimes}: Extract<DaemonMessage, {type: 'open-agents'}>): Promise<void> {
    const open = this.#teams.get(teamId);
    const detail = `team ${teamId} is not open on this host`;
    const request = Symbol(teamId);
    for (const agent of agents) this.#opening.set(agent, request);
    const reports = open
      ? await readinessOf(agents, open, runtimes)
      : [{type: 'agents-failed', agents, detail} as const];
    // They, or their whole team, may have been closed while their runtimes were looked for.
    const wanted = new Set(agents.filter(agent => this.#opening.get(agent) === request));
    for (const agent of wanted) this.#opening.delete(agent);
    if (open && !this.#teams.has(teamId)) return;
    for (const report of reports) {
      const still = report.agents.filter(agent => wanted.has(agent));
      if (report.type === 'agents-ready') for (const agent of still) this.#agents.set(agent, teamId);
      if (still.length > 0) this.#reports.add({...report, agents: still});
      for (const agent of still) this.#toldOf.set(agent, teamId);
    }
  }

  #closeAgents({teamId, agents}: Extract<DaemonMessage, {type: 'close-agents'}>): void {
    for (const agent of agents) {
      this.#opening.delete(agent);
      if (this.#agents.get(agent) === teamId) this.#agents.delete(agent);
    }
    this.#withdraw(teamId, new Set(agents));
  }

  /** How agents were found to be says nothing any more once they are closed: they may be opened again before it arrives. */
  #withdraw(teamId: TeamId, closed: {has(agent: AgentId): boolean}): void {
    const isOver = (agent: AgentId) => this.#toldOf.get(agent) === teamId && closed.has(agent);
    this.#reports.revise(report => {
      if (report.type !== 'agents-ready' && report.type !== 'agents-failed') return report;
      const agents = report.agents.filter(agent => !isOver(agent));
      return agents.length === report.agents.length ? report : {...report, agents};
    });
    for (const agent of [...this.#toldOf.keys()]) if (isOver(agent)) this.#toldOf.delete(agent);
  }

  #closing(team: Promise<void>): void {
    const closed = team.catch((error: unknown) =>
      this.#dependencies.log(`a team could not be closed well: ${String(error)}`),
    );
    this.#closed = Promise.all([this.#closed, closed]);
  }

  async #closeTeam(teamId: TeamId): Promise<void> {
    const open = this.#teams.get(teamId);
    this.#teams.delete(teamId);
    this.#heartbeat.hasTeams = this.#teams.size > 0;
    for (const [agent, owner] of this.#agents) if (owner === teamId) this.#agents.delete(agent);
    this.#withdraw(teamId, this.#toldOf);
    await this.#runner.stopAll('superseded', teamId);
    await this.#sweeper.flush();
    if (open) for (const name of ['inputs', 'scratch']) await removeFolder(join(open.team.folder, name));
    if (this.#teams.size === 0) await this.#worktrees.settle();
  }

  #assign(order: AttemptOrder): void {
    if (this.#state.name === 'ending' || this.#holds().includes(order.attempt)) return;
    const open = this.#teams.get(order.teamId);
    if (open) return this.#runner.start(order, open, this.#limits);
    const message = `attempt ${order.attempt} was ordered for team ${order.teamId}, which is not open on this host`;
    const outcome = {
      result: fail({reason: 'unexpected', message} as const),
      durationMs: 0,
      usage: UNKNOWN_USAGE,
      outputBytes: null,
    };
    this.#reports.add({type: 'attempt-finished', attempt: order.attempt, outcome});
  }

  /** Answers only when nothing is left: until then none of these tasks may be done again. */
  async #reap({request, attempts}: Extract<DaemonMessage, {type: 'reap'}>, answer: Answer): Promise<void> {
    const cookies = new Set(attempts.map(attempt => cookieOf(this.#options.storeId, attempt)));
    let total = 0;
    for (;;) {
      const {ended, left} = await endStrays({
        cookies,
        graceMs: this.#limits.killGraceMs,
        signal: this.#abort.signal,
      });
      total += ended;
      if (this.#abort.signal.aborted) return;
      if (left.length === 0) break;
      this.#dependencies.log(`processes ${left.join(', ')} cannot be ended; trying again`);
      await sleep(REAP_AGAIN_MS);
    }
    await this.#salvage(attempts);
    answer({type: 'reaped', request, attempts, ended: total});
  }

  /** What cannot be saved now stays in its worktree: nobody else is given that. */
  async #salvage(attempts: readonly AttemptId[]): Promise<void> {
    try {
      await this.#worktrees.salvage(attempts);
    } catch (error) {
      this.#dependencies.log(`the work of attempts ${attempts.join(', ')} is not saved: ${String(error)}`);
    }
  }

  async #read({request, ...part}: Extract<DaemonMessage, {type: 'read'}>, answer: Answer): Promise<void> {
    const {data, size} = await readPart(part);
    answer({type: 'data', request, data: data.toString('base64'), size});
  }
}
