import {mkdtempSync, rmSync} from 'node:fs';
import {createServer, type Server, type Socket} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';

const AGENT = fileURLToPath(new URL('puppet-agent.mjs', import.meta.url));
const DEADLINE_MS = 30_000;

interface Introduction {
  readonly name: string;
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly umask: number;
}

/** A task's process whose strings the test holds. Every call resolves when the puppet has done it. */
export class Puppet {
  readonly name: string;
  readonly pid: number;
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
  readonly umask: number;
  /** Resolves when its connection ends, which it does with the process. */
  readonly gone: Promise<void>;
  readonly #socket: Socket;
  readonly #waiting = new Map<number, (answer: Record<string, unknown>) => void>();
  #nextId = 1;

  constructor({name, pid, env, cwd, umask}: Introduction, socket: Socket) {
    this.name = name;
    this.pid = pid;
    this.env = env;
    this.cwd = cwd;
    this.umask = umask;
    this.#socket = socket;
    this.gone = new Promise(resolve => socket.once('close', () => resolve()));
  }

  async print(text: string | Buffer, to: 'stdout' | 'stderr' = 'stdout'): Promise<void> {
    await this.#do('print', {text: Buffer.from(text).toString('base64'), to});
  }

  async printBytes(count: number): Promise<void> {
    await this.#do('printBytes', {count});
  }

  async closeOutput(): Promise<void> {
    await this.#do('closeOutput');
  }

  async ignoreTerm(): Promise<void> {
    await this.#do('ignoreTerm');
  }

  /** Leaves a process in a session of its own behind; `inherit` keeps the puppet's output open. Returns its pid. */
  async forkDaemon(output: 'inherit' | 'ignore'): Promise<number> {
    return Number((await this.#do('forkDaemon', {output}))['pid']);
  }

  /** Leaves a process of the puppet's own group behind, which holds none of its output. Returns its pid. */
  async forkChild(): Promise<number> {
    return Number((await this.#do('forkChild'))['pid']);
  }

  /** Resolves when the process is gone. */
  async exit(code = 0): Promise<void> {
    void this.#do('exit', {code});
    await this.gone;
  }

  answer(line: string): void {
    const {id, ...answer} = JSON.parse(line) as {id: number} & Record<string, unknown>;
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }

  #do(action: string, input: Record<string, unknown> = {}): Promise<Record<string, unknown>> {
    const id = this.#nextId;
    this.#nextId += 1;
    const answered = new Promise<Record<string, unknown>>(resolve => this.#waiting.set(id, resolve));
    this.#socket.write(`${JSON.stringify({id, action, ...input})}\n`);
    return answered;
  }
}

/** Where puppets report. Closing it makes all of them exit. */
export class Puppets implements AsyncDisposable {
  readonly #folder = mkdtempSync(join(tmpdir(), 'godel-puppets-'));
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  readonly #arrived: Puppet[] = [];
  readonly #waiting: ((puppet: Puppet) => void)[] = [];

  static async listen(): Promise<Puppets> {
    const puppets = new Puppets();
    await new Promise<void>(resolve => puppets.#server.listen(puppets.#socketPath, resolve));
    return puppets;
  }

  private constructor() {
    this.#server = createServer(socket => this.#introduce(socket));
  }

  get #socketPath(): string {
    return join(this.#folder, 'puppets.sock');
  }

  /** The command that a task runs to become the puppet of this name. */
  command(name: string): string {
    return `${process.execPath} ${AGENT} ${this.#socketPath} ${name}`;
  }

  /** The next puppet that nobody has asked for yet, in the order in which they arrive. */
  next(): Promise<Puppet> {
    const arrived = this.#arrived.shift();
    if (arrived) return Promise.resolve(arrived);
    return new Promise((resolve, reject) => {
      const late = setTimeout(() => reject(new Error(`no puppet within ${DEADLINE_MS} ms`)), DEADLINE_MS);
      this.#waiting.push(puppet => {
        clearTimeout(late);
        resolve(puppet);
      });
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise(resolve => this.#server.close(resolve));
    rmSync(this.#folder, {recursive: true, force: true});
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #introduce(socket: Socket): void {
    this.#sockets.add(socket);
    socket.once('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    let puppet: Puppet | undefined;
    let buffered = '';
    socket.setEncoding('utf8').on('data', (text: string) => {
      const lines = (buffered + text).split('\n');
      buffered = lines.pop() ?? '';
      for (const line of lines) {
        if (puppet) puppet.answer(line);
        else this.#arrive((puppet = new Puppet(JSON.parse(line) as Introduction, socket)));
      }
    });
  }

  #arrive(puppet: Puppet): void {
    const waiting = this.#waiting.shift();
    if (waiting) waiting(puppet);
    else this.#arrived.push(puppet);
  }
}
