import {type ChildProcess, execFile, spawn} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {WebSocket} from 'ws';
import {until} from '../../rig/until.ts';
import {RawClient} from '../server/hub-rig.ts';

const PROGRAM = join(import.meta.dirname, '..', '..', '..', 'bin', 'godel.js');

export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** `godel hub serve`, as a user runs it. */
export interface Served {
  readonly url: string;
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
  /** What it has printed so far. */
  readonly said: () => Omit<Ended, 'code'>;
}

/** A folder in which `godel hub …` is run. */
export class ServedHubRig implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'godel-served-'));
  readonly #served: Omit<Served, 'url'>[] = [];
  readonly #clients: RawClient[] = [];

  async serve(...args: readonly string[]): Promise<Served> {
    const {child, ended, said} = this.begin(...args);
    const url = await until('the hub says where it listens', () => {
      const {stdout, stderr} = said();
      if (child.exitCode !== null || child.signalCode !== null) throw new Error(`the hub ended: ${stderr}`);
      return /wss?:\/\/[^ ,]+/.exec(stdout)?.[0];
    });
    return {url, child, ended, said};
  }

  /** The process, without waiting until it listens. */
  begin(...args: readonly string[]): Omit<Served, 'url'> {
    const all = [PROGRAM, 'hub', 'serve', '--port', '0', '--embedder', 'hashed', ...args];
    const child = spawn(process.execPath, all, {cwd: this.folder, stdio: ['ignore', 'pipe', 'pipe']});
    let [stdout, stderr] = ['', ''];
    child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
    child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
    const ended = new Promise<Ended>(resolve => child.once('close', code => resolve({code, stdout, stderr})));
    const begun = {child, ended, said: () => ({stdout, stderr})};
    this.#served.push(begun);
    return begun;
  }

  /** A command of the hub, run to its end. */
  run(...args: readonly string[]): Promise<Ended> {
    return this.runIn(this.folder, ...args);
  }

  runIn(cwd: string, ...args: readonly string[]): Promise<Ended> {
    return new Promise(resolve => {
      const child = execFile(process.execPath, [PROGRAM, 'hub', ...args], {cwd}, (_error, stdout, stderr) =>
        resolve({code: child.exitCode, stdout, stderr}),
      );
    });
  }

  /** The value that a command prints with `--json`. */
  async json(...args: readonly string[]): Promise<Record<string, unknown>> {
    const {stdout, stderr} = await this.run(...args, '--json');
    if (stdout === '') throw new Error(`nothing was printed, but: ${stderr}`);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async token(agent: string, tenant = 't1'): Promise<string> {
    return (await this.run('token', 'create', '--agent', agent, '--tenant', tenant)).stdout.trim();
  }

  async join(url: string, token: string, options: object = {}): Promise<RawClient> {
    const client = new RawClient(new WebSocket(url, {perMessageDeflate: false, ...options}));
    this.#clients.push(client);
    await client.opened;
    client.hello(token, {news: false});
    client.head = (await client.next('welcome')).head;
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.webSocket.terminate();
    for (const {child, ended} of this.#served) {
      child.kill('SIGKILL');
      await ended;
    }
    rmSync(this.folder, {recursive: true, force: true});
  }
}
