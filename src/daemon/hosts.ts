import type {ChildProcess} from 'node:child_process';
import {randomUUID} from 'node:crypto';
import {never} from '../base/never.ts';
import {fail, type Result} from '../base/result.ts';
import type {Input} from '../federation/engine-io.ts';
import type {Failure} from '../model/failure.ts';
import {type AttemptId, type HostId, hostId as asHostId} from '../model/ids.ts';
import type {ProcessProbe} from '../model/health.ts';
import type {HostRecord} from '../model/record.ts';
import {probeProcess} from '../os/process-probe.ts';
import type {ProjectPaths} from '../project/project-paths.ts';
import {
  type AttemptOrder,
  type DaemonMessage,
  HOST_PROTOCOL,
  type HostLimits,
  type HostMessage,
  type Report,
} from '../wire/host-protocol.ts';
import {endProcess, processGone, spawnHost} from './host-process.ts';
import {HostSession, type HostSocket} from './host-session.ts';
import type {Log} from './log.ts';
import {inMessages} from './orders.ts';
import type {FilePart} from './outputs.ts';
import type {Moments} from './tick-loop.ts';

export interface HostsOptions {
  readonly paths: ProjectPaths;
  readonly storeId: string;
  readonly version: string;
  readonly machineId: string;
  readonly limits: HostLimits;
  readonly submit: (input: Input, moments?: Moments) => void;
  readonly printed: (attempt: AttemptId, line: string) => void;
  /** The end of what an attempt printed, right before its end is submitted. */
  readonly said: (attempt: AttemptId, text: string) => void;
  readonly log: Log;
}

interface KnownHost {
  readonly record: HostRecord;
  /** Its latest connection, whose messages count. */
  incoming: HostSession | null;
  /** The same once the engine knows of it: what it is told from then on is meant for it. */
  session: HostSession | null;
  /** Reports up to this one have been taken; a host sends again what was not acknowledged. */
  reportsTaken: number;
  /** Of its program, as it said last. */
  build: string | null;
  /** Aborted when it is connected again: until then we look whether its process still lives. */
  watch: AbortController | null;
  /** Orders of this tick, sent together. */
  orders: AttemptOrder[];
}

type Hello = Extract<HostMessage, {type: 'hello'}>;
type HelloResult = {readonly host: KnownHost; readonly session: HostSession};

/** The first protocol in which a host says twice a second that it is there. */
const BEATING_PROTOCOL = 2;
const HELLO_LIMIT_MS = 10_000;
const START_LIMIT_MS = 30_000;
const READ_LIMIT_MS = 30_000;

/** The hosts of this project: their processes and connections, and what is said over them. The engine decides. */
export class Hosts {
  readonly #options: HostsOptions;
  readonly #hosts = new Map<HostId, KnownHost>();
  /** A host process that has been started and has not said hello yet. */
  #starting: {readonly child: ChildProcess; readonly limit: NodeJS.Timeout} | null = null;
  readonly #awaitingSession = new Set<(session: HostSession | null) => void>();
  /** ending: hosts are being ended and still heard. closed: they are none of our business any more. */
  #phase: 'open' | 'ending' | 'closed' = 'open';

  constructor(options: HostsOptions) {
    this.#options = options;
  }

  /**
   * Hosts that an earlier daemon left: they come back by themselves, or their process turns out to be dead. One that is back already,
   * because the daemon listens before it has looked at everything, is left as it is.
   */
  restore(records: readonly HostRecord[]): void {
    for (const record of records) if (!this.#hosts.has(record.id)) this.#watch(this.#put(record));
  }

  /** The version of a host's program; null: it has not said so yet. */
  buildOf(id: HostId): string | null {
    return this.#hosts.get(id)?.build ?? null;
  }

  start(): void {
    if (this.#starting || this.#phase !== 'open') return;
    const {paths, storeId, log} = this.#options;
    let child: ChildProcess;
    try {
      child = spawnHost({paths, storeId, hostId: asHostId(`host-${randomUUID().slice(0, 8)}`)});
    } catch (error) {
      this.#startFailed(error instanceof Error ? error.message : String(error));
      return;
    }
    log.info({hostPid: child.pid}, 'starting a host');
    const limit = setTimeout(() => child.kill('SIGKILL'), START_LIMIT_MS);
    this.#starting = {child, limit};
    const failed = (detail: string) => {
      if (this.#starting?.child === child) this.#startFailed(detail);
    };
    child.once('error', error => failed(error.message));
    child.once('exit', (code, signal) => failed(`it ended at once (${signal ?? `exit code ${code ?? '?'}`})`));
  }

  /** A host has connected and is about to say who it is. */
  accept(socket: HostSocket): void {
    const limit = setTimeout(() => socket.terminate(), HELLO_LIMIT_MS);
    let greeted: HelloResult | null = null;
    socket.onClose(() => {
      clearTimeout(limit);
      if (greeted) this.#left(greeted);
    });
    socket.onMessage(message => {
      if (greeted) return this.#receive(greeted, message);
      clearTimeout(limit);
      const refusal = message.type === 'hello' ? this.#reasonToRefuse(message) : 'expected hello first';
      if (refusal === null && message.type === 'hello') {
        greeted = this.#welcome(socket, message);
        return;
      }
      this.#options.log.warn({refusal, message: message.type}, 'refused a host');
      socket.send({type: 'refuse', detail: refusal ?? 'expected hello first'});
      void socket.close();
    });
  }

  /** Says something to a host, after the orders that came before it. Lost when it is away: it is told on return. */
  tell(id: HostId, message: DaemonMessage): void {
    const host = this.#hosts.get(id);
    if (!host) return;
    this.#flushOrders(host);
    host.session?.send(message);
  }

  assign(id: HostId, order: AttemptOrder): void {
    this.#hosts.get(id)?.orders.push(order);
  }

  reap(id: HostId, attempts: readonly AttemptId[]): void {
    this.#hosts.get(id)?.session?.reap(attempts, (gone, ended) => {
      if (ended > 0) this.#options.log.info({host: id, ended}, 'ended processes that a dead host had left');
      this.#options.submit({type: 'strays-gone', hostId: id, attempts: gone});
    });
  }

  /** Looks what the process of a host does that is not heard. */
  probe(id: HostId): void {
    const host = this.#hosts.get(id);
    if (!host) return;
    const isOurs = host.record.machineId === this.#options.machineId;
    const probe: ProcessProbe = isOurs ? probeProcess(host.record.process) : {state: 'unknown', cpuMs: null};
    this.#options.submit({type: 'host-probed', hostId: id, probe});
  }

  /** Ends a host that has been silent for too long; one that is stuck could not end in order anyway. */
  kill(id: HostId, {isStuck}: {isStuck: boolean}): void {
    const host = this.#hosts.get(id);
    if (!host) return;
    this.#options.log.warn({host: id, pid: host.record.process.pid}, 'ending a host that does not come back');
    void endProcess(host.record.process, isStuck ? 0 : this.#options.limits.killGraceMs).then(() => this.#gone(host));
  }

  /** Sends what this tick has decided and acknowledges what it has made durable. */
  endTick(): void {
    for (const host of this.#hosts.values()) {
      this.#flushOrders(host);
      host.incoming?.flushAcks();
    }
  }

  /** Reads a part of a file of a team's folder through a host, starting one when none is there. */
  async read(asked: {
    folder: string;
    file: string;
    offset: number;
    length: number;
  }): Promise<Result<FilePart, Failure>> {
    const session = await this.#anySession();
    return session ? session.read(asked) : fail(noHost);
  }

  /** Ends all hosts and their attempts; resolves when their processes are gone. */
  async end(): Promise<void> {
    this.#phase = 'ending';
    const starting = this.#starting?.child;
    if (starting) {
      this.#clearStarting();
      starting.kill('SIGKILL');
    }
    await Promise.all(
      [...this.#hosts.values()].map(async host => {
        host.incoming?.send({type: 'shutdown'});
        await this.#awaitEnd(host);
        this.#gone(host);
      }),
    );
  }

  /** Lets go of all hosts, which go on without us. */
  close(): void {
    this.#phase = 'closed';
    this.#clearStarting();
    for (const host of this.#hosts.values()) {
      host.watch?.abort();
      host.incoming?.end();
    }
    this.#offer(null);
  }

  async #awaitEnd({record, session}: KnownHost): Promise<void> {
    const {killGraceMs} = this.#options.limits;
    if (session) {
      const patience = new AbortController();
      const timer = setTimeout(() => patience.abort(), 2 * killGraceMs + 1000);
      const wentInTime = await processGone(record.process, patience.signal);
      clearTimeout(timer);
      if (wentInTime) return;
    }
    await endProcess(record.process, killGraceMs);
  }

  #reasonToRefuse({projectId, storeId, protocol}: Hello): string | null {
    const {paths, storeId: ours} = this.#options;
    if (this.#phase !== 'open') return 'the daemon is ending';
    if (projectId !== paths.projectId) return `this daemon serves project ${paths.projectId}, not ${projectId}`;
    if (storeId !== ours) return 'the project has another store than when this host was started';
    if (protocol.max < HOST_PROTOCOL.min || protocol.min > HOST_PROTOCOL.max) {
      return `this daemon speaks host protocol ${HOST_PROTOCOL.min} to ${HOST_PROTOCOL.max}, the host ${protocol.min} to ${protocol.max}`;
    }
    return null;
  }

  #welcome(socket: HostSocket, hello: Hello): HelloResult {
    const {submit, version, limits} = this.#options;
    const {hostId, machineId, process: identity, holds, agents, teams, paused = [], protocol} = hello;
    if (this.#starting?.child.pid === identity.pid) this.#clearStarting();
    const record: HostRecord = {id: hostId, machineId, process: identity, gone: false};
    const host = this.#hosts.get(hostId) ?? this.#put(record);
    host.watch?.abort();
    host.watch = null;
    const older = host.incoming;
    const session = new HostSession(hostId, socket);
    host.incoming = session;
    host.build = hello.build;
    host.session = null;
    older?.end();
    session.send({
      type: 'welcome',
      protocol: Math.min(protocol.max, HOST_PROTOCOL.max),
      build: version,
      limits,
    });
    submit(
      {type: 'host-connected', host: record, holds, agents, teams, paused, beats: protocol.max >= BEATING_PROTOCOL},
      {
        // What was decided before the engine knew of this connection was meant for the one before.
        effective: () => {
          host.orders = [];
          if (host.incoming === session) host.session = session;
        },
      },
    );
    this.#offer(session);
    return {host, session};
  }

  #receive({host, session}: HelloResult, message: HostMessage): void {
    if (host.incoming !== session) return;
    switch (message.type) {
      case 'reports':
        return this.#takeReports(host, session, message);
      case 'progress':
        for (const {attempt, line} of message.lines) this.#options.printed(attempt, line);
        return;
      case 'reaped':
      case 'data':
        return session.answered(message);
      case 'vitals':
        return this.#options.submit({...message, hostId: host.record.id});
      case 'beat':
        return this.#options.submit({type: 'vitals', hostId: host.record.id, lagMs: 0, vitals: []});
      case 'hello':
        throw new Error('hello twice');
      default:
        return never(message);
    }
  }

  /** A report seen before is not taken again, but acknowledged again: the acknowledgement may have been lost. */
  #takeReports(host: KnownHost, session: HostSession, {first, reports}: Extract<HostMessage, {type: 'reports'}>): void {
    for (const [index, report] of reports.entries()) {
      const number = first + index;
      const durable = () => session.acknowledge(number);
      if (number <= host.reportsTaken) this.#options.submit({type: 'tick'}, {durable});
      else {
        host.reportsTaken = number;
        if (report.type === 'attempt-finished' && report.said !== undefined) {
          this.#options.said(report.attempt, report.said);
        }
        this.#options.submit(inputOf(host.record.id, report), {durable});
      }
    }
  }

  #left({host, session}: HelloResult): void {
    session.end();
    if (host.incoming !== session) return;
    host.incoming = null;
    host.session = null;
    host.orders = [];
    if (this.#phase === 'closed') return;
    this.#options.submit({type: 'host-disconnected', hostId: host.record.id});
    this.#watch(host);
  }

  #watch(host: KnownHost): void {
    const watch = new AbortController();
    host.watch = watch;
    void processGone(host.record.process, watch.signal).then(isGone => {
      if (isGone && host.watch === watch) this.#gone(host);
    });
  }

  #gone(host: KnownHost): void {
    if (this.#hosts.get(host.record.id) !== host || this.#phase === 'closed') return;
    this.#hosts.delete(host.record.id);
    host.watch?.abort();
    host.incoming?.end();
    this.#options.log.info({host: host.record.id, pid: host.record.process.pid}, 'a host is gone');
    this.#options.submit({type: 'host-gone', hostId: host.record.id});
  }

  #put(record: HostRecord): KnownHost {
    const host: KnownHost = {
      record,
      incoming: null,
      session: null,
      reportsTaken: -1,
      build: null,
      watch: null,
      orders: [],
    };
    this.#hosts.set(record.id, host);
    return host;
  }

  #flushOrders(host: KnownHost): void {
    for (const orders of inMessages(host.orders)) host.session?.send({type: 'assign', orders});
    host.orders = [];
  }

  #startFailed(detail: string): void {
    const {log, submit, machineId} = this.#options;
    this.#clearStarting();
    log.error({detail}, 'a host could not be started');
    submit({type: 'host-start-failed', machineId, detail});
    this.#offer(null);
  }

  #clearStarting(): void {
    clearTimeout(this.#starting?.limit);
    this.#starting = null;
  }

  #anySession(): Promise<HostSession | null> {
    for (const {incoming} of this.#hosts.values()) if (incoming) return Promise.resolve(incoming);
    // No host is started any more, so none would come.
    if (this.#phase !== 'open') return Promise.resolve(null);
    return new Promise(resolve => {
      const limit = setTimeout(() => settle(null), READ_LIMIT_MS);
      const settle = (session: HostSession | null) => {
        clearTimeout(limit);
        this.#awaitingSession.delete(settle);
        resolve(session);
      };
      this.#awaitingSession.add(settle);
      this.start();
    });
  }

  #offer(session: HostSession | null): void {
    for (const take of this.#awaitingSession) take(session);
  }
}

function inputOf(hostId: HostId, report: Report): Input {
  if (report.type !== 'attempt-finished') return {...report, hostId};
  const {type, attempt, outcome} = report;
  return {type, hostId, attempt, outcome};
}

const noHost: Failure = {
  reason: 'host-start-failed',
  times: 1,
  detail: 'no host could be started to read the file',
};
