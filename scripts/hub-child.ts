import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {ok} from '../src/base/result.ts';
import {FederationHubServer} from '../src/hub/server/federation-hub-server.ts';
import type {HubLimits} from '../src/hub/server/hub-limits.ts';
import {HUB_PATH} from '../src/wire/hub-protocol.ts';

/** What a process has used, and holds. */
export interface Usage {
  readonly cpuS: number;
  readonly rssMb: number;
  /** After a collection. */
  readonly heapMb: number;
  /** Open files, sockets among them. */
  readonly files: number;
  /** Timers, sockets and whatever else keeps Node at work. */
  readonly resources: number;
  /** Of the hub's event loop, p99 of the last minute. */
  readonly lagMs: number;
  /** Mistakes of the hub's own since the last time. */
  readonly mistakes: readonly string[];
}

/**
 * The whole hub, over a database on the disk, as a process of its own. A token is its tenant and agent, with a space between, so that
 * ten thousand can be had.
 */
export class HubChild implements AsyncDisposable {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #folder: string;

  private constructor(child: ChildProcess, folder: string, url: string) {
    this.#child = child;
    this.#folder = folder;
    this.url = url;
  }

  static async start({limits = {}}: {limits?: Partial<HubLimits>} = {}): Promise<HubChild> {
    const folder = mkdtempSync(join(tmpdir(), 'godel-hub-child-'));
    const child = fork(fileURLToPath(import.meta.url), ['serve', folder, JSON.stringify(limits)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: [...process.execArgv, '--expose-gc'],
    });
    // What the child sends first.
    const [port] = (await once(child, 'message')) as [number];
    return new HubChild(child, folder, `ws://127.0.0.1:${port}${HUB_PATH}`);
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  async usage(): Promise<Usage> {
    this.#child.send('usage');
    // What the child answers.
    const [usage] = (await once(this.#child, 'message')) as [Usage];
    return usage;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.disconnect();
    await ended;
    rmSync(this.#folder, {recursive: true});
  }
}

async function serve(folder: string, limits: Partial<HubLimits>): Promise<void> {
  const mistakes: string[] = [];
  const hub = new FederationHubServer({
    port: 0,
    dbPath: join(folder, 'hub.db'),
    embedder: {kind: 'hashed'},
    limits,
    onEvent: event => {
      if (event.kind === 'unexpected') mistakes.push(event.error instanceof Error ? (event.error.stack ?? '') : '?');
    },
    auth: {
      verify: token => {
        const [tenantId = '', agentId = ''] = token.split(' ');
        return Promise.resolve(ok({agentId, tenantId, role: 'worker', tokenId: token, expiresAtMs: Date.now() + 1e9}));
      },
      recheck: identity => ok(identity),
    },
  });
  await hub.start();
  process.on('message', () => {
    const {user, system} = process.cpuUsage();
    const {rss} = process.memoryUsage();
    globalThis.gc?.();
    process.send?.({
      cpuS: (user + system) / 1e6,
      rssMb: rss / 2 ** 20,
      heapMb: process.memoryUsage().heapUsed / 2 ** 20,
      files: readdirSync('/proc/self/fd').length,
      resources: process.getActiveResourcesInfo().length,
      lagMs: hub.getStats().lagMs,
      mistakes: mistakes.splice(0),
    } satisfies Usage);
  });
  process.once('disconnect', () => void hub.stop());
  process.send?.(hub.address?.port);
}

const [, started, what, folder = '', limits = '{}'] = process.argv;
// The limits are those that `start` has written.
if (started === fileURLToPath(import.meta.url) && what === 'serve') {
  await serve(folder, JSON.parse(limits) as Partial<HubLimits>);
}
