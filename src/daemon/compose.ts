import {join} from 'node:path';
import type {OurSide} from '../api/peer-check.ts';
import {Feed} from '../api/feed.ts';
import {ApiServer} from '../api/server.ts';
import {readClock} from '../base/clock.ts';
import {Closing} from '../base/closing.ts';
import {fail, ok, type Result} from '../base/result.ts';
import type {Settings} from '../config/settings.ts';
import {Engine} from '../federation/engine.ts';
import type {Input} from '../federation/engine-io.ts';
import {Redaction} from '../host/redaction.ts';
import {type Failure, failureOf} from '../model/failure.ts';
import type {StoredState} from '../model/record.ts';
import {freeDiskBytes, machineId, memory} from '../os/machine.ts';
import {isAlive, ownIdentity} from '../os/process-identity.ts';
import {removeDaemonFile, writeDaemonFile} from '../project/daemon-file.ts';
import {unusable} from '../project/prepare-folders.ts';
import type {ProjectPaths} from '../project/project-paths.ts';
import type {Store} from '../store/store.ts';
import type {Admission} from './admission/admission.ts';
import {openLedger} from './admission/ledger.ts';
import {DaemonBackend} from './backend.ts';
import {Effects} from './effects.ts';
import {Hosts} from './hosts.ts';
import {IdleWatch} from './idle-watch.ts';
import {removeLeftovers} from './leftovers.ts';
import type {Log} from './log.ts';
import {hubChoice} from './memory/hub-choice.ts';
import {projectSource} from './memory/hub-source.ts';
import {Lessons} from './memory/lessons.ts';
import {Memories} from './memory/memories.ts';
import {MemoryWarnings} from './memory/memory-warnings.ts';
import {MemoryDesk} from './memory/memory-desk.ts';
import {hubSecretNames, projectHubArguments} from './project-hub-arguments.ts';
import {ProjectHub} from './project-hub.ts';
import {Merges} from './merges.ts';
import {memoryBytesOf} from '../runtimes/memory.ts';
import type {AgentSettings} from '../model/agent-settings.ts';
import {Permits} from './permits.ts';
import {Meter} from './meter.ts';
import {Progress} from './progress.ts';
import {Requests} from './requests.ts';
import {maskSecretShapes} from './secret-shapes.ts';
import {SecretStore} from './secrets.ts';
import {type Moments, TickLoop} from './tick-loop.ts';

export interface DaemonOptions {
  readonly paths: ProjectPaths;
  readonly version: string;
  readonly settings: Settings;
  readonly agentSettings: AgentSettings;
  readonly store: Store;
  readonly log: Log;
}

/** How a daemon ends: `hosts` with everything it has started, `alone` leaving hosts and attempts to the next daemon. */
export type DaemonEnd = 'with-hosts' | 'alone';

export interface Daemon {
  /** Takes no more requests, finishes what is decided, and lets go. Closing twice is closing once. */
  end(how: DaemonEnd): Promise<void>;
  /** Resolves when it ends by itself: nobody used it, or it was told to. */
  readonly over: Promise<DaemonEnd>;
}

/** A task that loses its host more often than this fails: it may be what kills them. */
const MAX_LOSSES = 10;
/** Other projects count our attempts for this long after we were last heard of. */
const LEASE_STALE_MS = 60_000;
const TRIM_EVERY_MS = 600_000;

/** Builds the parts of a daemon and starts them; the only place that knows them all. */
export async function startDaemon(options: DaemonOptions): Promise<Result<Daemon, Failure>> {
  const {paths, version, settings, agentSettings, store, log} = options;
  const ledger = openAdmission(options);
  if (!ledger.ok) return ledger;
  const stored = store.load();
  const machine = machineId();
  const {engine, step} = Engine.restore(
    stored,
    {
      ...settings,
      maxLosses: MAX_LOSSES,
      maxConflicts: settings.maxResolves,
      firstCap: {usd: settings.firstCostEstimateUsd, tokens: settings.firstTokenEstimate},
      memoryOf: runtime =>
        (runtime === null ? null : memoryBytesOf(runtime, agentSettings)) ?? settings.memoryPerAttemptBytes,
      machineId: machine,
      bootId: ownIdentity().bootId,
      random: Math.random,
    },
    readClock(),
  );

  const submit = (input: Input, moments?: Moments) => loop.submit(input, moments);
  const requests = new Requests();
  const progress = new Progress();
  const meter = new Meter();
  const secrets = new SecretStore(paths, log);
  const hosts = new Hosts({
    paths,
    storeId: store.id,
    version,
    machineId: machine,
    limits: {...settings, graceMs: settings.hostGraceMs},
    submit,
    said: (attempt, text) => lessons.said(attempt, text),
    printed: (attempt, line) => {
      const team = progress.printed(attempt, line);
      if (team !== undefined) feed.changed(team);
    },
    log,
  });
  const projectHub = settings.hub === 'project' ? startable(options) : null;
  const memories = openMemories(options, projectHub);
  const lessons: Lessons = new Lessons({
    memoryOf: team => memories.of(team),
    storeId: store.id,
    count: settings.memoryCount,
    waitMs: settings.memoryWaitMs,
    cleanerOf: (teamId, spec) => {
      const redaction = Redaction.of(effects.environmentOf(teamId, spec), spec.secretNames);
      return text => redaction.text(text);
    },
    log,
  });
  const permits = Permits.start({
    admission: ledger.value,
    running: () => engine.running(),
    granted: ({permits, memoryBytes, why, gates}) => submit({type: 'permits', permits, memoryBytes, why, gates}),
  });
  const merges: Merges = new Merges({
    paths,
    storeId: store.id,
    submit,
    envOf: (teamId, spec) => effects.environmentOf(teamId, spec),
    killGraceMs: settings.killGraceMs,
    workspace: agentSettings.workspace,
    log,
  });
  const effects: Effects = new Effects({
    paths,
    hosts,
    requests,
    secrets,
    progress,
    permits,
    merges,
    lessons,
    agentSettings,
    submit,
    outputCapBytes: settings.outputCapBytes,
    notForAttempts: hubSecretNames(settings),
    log,
  });
  const loop = new TickLoop({
    engine,
    store,
    perform: effect => effects.perform(effect),
    settled: ({records, events, teams}) => {
      meter.settled({records});
      hosts.endTick();
      lessons.settled(records);
      feed.published(events);
      for (const team of teams) feed.changed(team);
    },
    log,
    random: Math.random,
  });
  const clean = (text: string) => maskSecretShapes(new Redaction(secrets.values()).text(text));
  const {promise: over, resolve: endBySelf} = withResolver<DaemonEnd>();
  const backend = new DaemonBackend({
    memory: new MemoryDesk(() => memories.usual.opened(), clean),
    memoryWarnings: new MemoryWarnings(
      memories,
      id => engine.teamSpec(id) ?? store.teams().find(team => team.id === id)?.spec ?? null,
    ),
    memoryAt: asked => {
      const hub = hubChoice(asked, {settings, folder: paths.folder});
      const memory = hub.ok ? memories.at(hub.value) : hub;
      return memory.ok ? ok(new MemoryDesk(() => memory.value.reached(), clean)) : memory;
    },
    paths,
    version,
    settings,
    agentSettings,
    engine,
    store,
    hosts,
    requests,
    effects,
    secrets,
    progress,
    meter,
    submit,
    storeTrouble: () => loop.trouble,
    warnings: effects.restore(stored.teams),
    shutDown: () => endBySelf('with-hosts'),
  });
  const feed = new Feed(backend);
  const idle = new IdleWatch({
    idleMs: settings.idleShutdownMs,
    isInUse: () => engine.activeTeams > 0 || feed.readers > 0,
    idle: () => {
      log.info('nobody has used this daemon for long: it ends');
      endBySelf('with-hosts');
    },
  });
  const us: OurSide = {version, projectId: paths.projectId, folder: paths.folder};
  const server = await ApiServer.listen({
    socket: paths.socket,
    us,
    backend,
    feed,
    onHost: socket => hosts.accept(socket),
    onRequest: idle.request,
    onBug: error => log.error({error: failureOf(error)}, 'a request failed by a bug'),
  });
  if (!server.ok) {
    permits.close({keepLease: true});
    return server;
  }
  const announced = announce(options);
  if (!announced.ok) {
    permits.close({keepLease: true});
    await server.value.close();
    return announced;
  }
  lessons.restore(stored.teams);
  tidyUp(options, stored);
  await merges.removeLeftovers(stored.teams.map(({id}) => id));
  hosts.restore(stored.hosts);
  loop.begin(step);
  idle.start();
  const trimming = setInterval(() => trim(options), TRIM_EVERY_MS);

  let ended: Promise<void> | undefined;
  const end = async (how: DaemonEnd) => {
    backend.takeNoMoreTeams();
    const hasWork = engine.activeTeams > 0;
    const closing = new Closing();
    closing.add(() => store.close());
    if (projectHub !== null) closing.add(() => projectHub.end());
    closing.add(() => memories.close());
    if (!hasWork) closing.add(() => removeDaemonFile(paths.daemonFile));
    closing.add(() => server.value.close());
    closing.add(() => requests.close());
    closing.add(() => feed.close());
    closing.add(() => merges.close());
    closing.add(() => hosts.close());
    closing.add(() => permits.close({keepLease: hasWork}));
    closing.add(() => loop.close());
    // With the loop running: what hosts report last is recorded and acknowledged.
    if (how === 'with-hosts') closing.add(() => hosts.end());
    closing.add(() => clearInterval(trimming));
    closing.add(() => idle.close());
    await closing.close();
  };
  return ok({over, end: how => (ended ??= end(how))});
}

function startable({paths, settings, log}: DaemonOptions): ProjectHub {
  return new ProjectHub({paths, log, random: Math.random, args: projectHubArguments(settings, paths.folder)});
}

/** A hub that is configured and cannot be used is told of by each team that is to use it. */
function openMemories({paths, settings, log}: DaemonOptions, hub: ProjectHub | null): Memories {
  const usual = hubChoice(undefined, {settings, folder: paths.folder});
  return new Memories({
    file: paths.memoryFile,
    own: hub === null ? null : projectSource(hub),
    usual: usual.ok ? usual.value : null,
    log,
  });
}

/** Writes down who the daemon is, for those to whom it does not answer. */
function announce({paths, version}: DaemonOptions): Result<void, Failure> {
  const {daemonFile, runtimeFolder, socket} = paths;
  try {
    writeDaemonFile(daemonFile, {process: ownIdentity(), version, runtimeFolder, socket, startedAtMs: Date.now()});
    return ok(undefined);
  } catch (error) {
    return fail(unusable(daemonFile, error));
  }
}

/** What cannot be removed now is looked at again at the next start. */
function tidyUp({paths, log}: DaemonOptions, stored: StoredState): void {
  try {
    const removed = removeLeftovers(paths, stored);
    if (removed.length > 0) log.info({removed}, 'removed what an earlier daemon had left');
  } catch (error) {
    log.warn({error: failureOf(error)}, 'what an earlier daemon left could not be removed');
  }
}

/** The journal is kept within its bound now and then; a full disk makes that wait like everything else. */
function trim({store, settings, log}: DaemonOptions): void {
  try {
    store.trimEvents(settings.keepEvents);
  } catch (error) {
    log.warn({error: failureOf(error)}, 'old events could not be deleted');
  }
}

function openAdmission({paths, settings}: DaemonOptions): Result<Admission, Failure> {
  return openLedger({
    file: join(paths.runtimeFolder, 'ledger.db'),
    projectId: paths.projectId,
    process: ownIdentity(),
    isAlive,
    limits: settings,
    probe: () => {
      const {availableBytes, totalBytes} = memory();
      return {
        availableMemoryBytes: availableBytes,
        totalMemoryBytes: totalBytes,
        freeDiskBytes: freeDiskBytes(paths.godelFolder),
      };
    },
    readClock,
    random: Math.random,
    staleAfterMs: LEASE_STALE_MS,
  });
}

function withResolver<T>(): {promise: Promise<T>; resolve: (value: T) => void} {
  let resolve: (value: T) => void = () => undefined;
  const promise = new Promise<T>(settle => {
    resolve = settle;
  });
  return {promise, resolve};
}

/** Another daemon has the project's store open: not a fault, it is the one that counts. */
export function isStoreTaken(failure: Failure): boolean {
  return failure.reason === 'store-unusable' && failure.detail.startsWith('another process has it open');
}
