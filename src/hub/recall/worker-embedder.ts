import {Worker} from 'node:worker_threads';
import type {Embedder} from './vector-index.ts';

export interface WorkerEmbedderOptions {
  readonly id: string;
  readonly dimensions: number;
  /** CommonJS code of the worker: answers each `{call, texts}` with `{call, vectors}`, one after the other, or `{call, error}`. */
  readonly code: string;
  readonly workerData: unknown;
  /** For one batch, the start of the worker included; milliseconds, > 0. */
  readonly timeoutMs?: number;
}

interface Answer {
  readonly call: number;
  readonly vectors?: Float32Array;
  readonly error?: string;
}

interface Pending {
  readonly resolve: (vectors: Float32Array) => void;
  readonly reject: (error: Error) => void;
  readonly timer: NodeJS.Timeout;
}

const BATCH = 32;
/** A sentence encoder's cost grows with the text: here 5 to 10 ms for a sentence, 30 ms for so many characters. */
const MAX_CHARS = 600;
const MAX_WAITING = 20_000;

/**
 * Computes vectors in a worker thread, which starts with the first call. A call in a large batch goes in portions, so that
 * others get their turn. When the worker dies, or does not answer in time and is ended, the calls it had are rejected and
 * the next call gets a new one. An idle worker does not keep the process alive.
 */
export class WorkerEmbedder implements Embedder {
  readonly id: string;
  readonly dimensions: number;
  readonly #options: WorkerEmbedderOptions;
  readonly #pending = new Map<number, Pending>();
  #worker: Worker | null = null;
  #calls = 0;
  #waiting = 0;
  #closed: Promise<void> | null = null;

  constructor(options: WorkerEmbedderOptions) {
    this.id = options.id;
    this.dimensions = options.dimensions;
    this.#options = options;
  }

  /** Only the first 600 characters of a text count. Rejects at once when 20,000 texts are waiting. */
  async embed(texts: readonly string[]): Promise<readonly Float32Array[]> {
    if (this.#waiting + texts.length > MAX_WAITING) {
      throw new Error(`${this.#waiting} texts wait for ${this.id} already, and ${MAX_WAITING} may; try again later.`);
    }
    this.#waiting += texts.length;
    try {
      const vectors: Float32Array[] = [];
      for (let start = 0; start < texts.length; start += BATCH) {
        const batch = texts.slice(start, start + BATCH).map(text => text.slice(0, MAX_CHARS));
        vectors.push(...this.#split(await this.#ask(batch), batch.length));
      }
      return vectors;
    } finally {
      this.#waiting -= texts.length;
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#end(new Error(`The embedder ${this.id} is closed.`));
    return this.#closed;
  }

  #ask(texts: readonly string[]): Promise<Float32Array> {
    if (this.#closed) return Promise.reject(new Error(`The embedder ${this.id} is closed.`));
    const worker = (this.#worker ??= this.#start());
    const call = ++this.#calls;
    const {timeoutMs = 60_000} = this.#options;
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => void this.#end(new Error(`The embedder ${this.id} did not answer within ${timeoutMs} ms and was ended.`)),
        timeoutMs,
      );
      this.#pending.set(call, {resolve, reject, timer});
      worker.ref();
      worker.postMessage({call, texts});
    });
  }

  #start(): Worker {
    const {code, workerData} = this.#options;
    const worker = new Worker(code, {eval: true, workerData, stdout: true, stderr: true});
    // What a model prints on loading is nobody's output.
    worker.stdout.resume();
    worker.stderr.resume();
    worker.on('message', (answer: Answer) => {
      if (this.#worker === worker) this.#settle(answer);
    });
    worker.on('error', error => this.#lose(worker, error));
    worker.on('exit', code => this.#lose(worker, new Error(`exit code ${code}`)));
    return worker;
  }

  #settle({call, vectors, error}: Answer): void {
    const pending = this.#pending.get(call);
    if (!pending) return;
    this.#pending.delete(call);
    clearTimeout(pending.timer);
    if (this.#pending.size === 0) this.#worker?.unref();
    if (vectors) pending.resolve(vectors);
    else pending.reject(new Error(`The embedder ${this.id} failed: ${error ?? 'no reason given'}`));
  }

  #lose(worker: Worker, cause: Error): void {
    if (this.#worker !== worker) return;
    this.#worker = null;
    this.#rejectAll(new Error(`The worker of the embedder ${this.id} died: ${cause.message}`, {cause}));
  }

  async #end(reason: Error): Promise<void> {
    const worker = this.#worker;
    this.#worker = null;
    this.#rejectAll(reason);
    await worker?.terminate();
  }

  #rejectAll(reason: Error): void {
    for (const {reject, timer} of this.#pending.values()) {
      clearTimeout(timer);
      reject(reason);
    }
    this.#pending.clear();
  }

  #split(flat: Float32Array, count: number): Float32Array[] {
    if (flat.length !== count * this.dimensions) {
      throw new Error(
        `The embedder ${this.id} gave ${flat.length} numbers for ${count} texts of ${this.dimensions} dimensions.`,
      );
    }
    return Array.from({length: count}, (_, index) =>
      flat.slice(index * this.dimensions, (index + 1) * this.dimensions),
    );
  }
}
