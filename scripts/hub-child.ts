import {type ChildProcess, fork} from 'node:child_process';
import {once} from 'node:events';
import {mkdtempSync, rmSync, symlinkSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {build} from 'esbuild';
import type {HubLimits} from '../src/hub/server/hub-limits.ts';
import {HUB_PATH} from '../src/wire/hub-protocol.ts';

const ROOT = join(import.meta.dirname, '..');

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
    // Bundled as the real one is: a loader of TypeScript would be measured too.
    const program = join(folder, 'hub.mjs');
    await build({
      entryPoints: [join(ROOT, 'scripts', 'hub-process.ts')],
      outfile: program,
      bundle: true,
      packages: 'external',
      format: 'esm',
      platform: 'node',
      logLevel: 'warning',
    });
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'));
    const child = fork(program, [folder, JSON.stringify(limits)], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      execArgv: ['--expose-gc'],
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
