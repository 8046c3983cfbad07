import {spawn} from 'node:child_process';
import {readClock} from '../../base/clock.ts';

const FIRST_MS = 1000;
const APART_MS = 5000;
/** A disk that does not answer for so long does not keep others from being measured. */
const PATIENCE_MS = 60_000;
/** Measuring takes at most this share of the time. */
const SHARE = 0.05;

interface Folder {
  readonly path: string;
  readonly onUse: (bytes: number) => void;
  dueMs: number;
}

/** Measures folders now and then, one at a time, with what the system has for it, and not more often than is cheap. */
export class DiskUse {
  readonly #folders = new Set<Folder>();
  readonly #measure: (path: string) => Promise<number | null>;
  #timer: NodeJS.Timeout | undefined;
  #isBusy = false;

  constructor(measure: (path: string) => Promise<number | null> = diskUseOf) {
    this.#measure = measure;
  }

  /** Tells what the folder takes, again and again. Returns what ends that. */
  watch(path: string, onUse: (bytes: number) => void): () => void {
    const folder = {path, onUse, dueMs: readClock().monoMs + FIRST_MS};
    this.#folders.add(folder);
    this.#arm();
    return () => {
      this.#folders.delete(folder);
      if (this.#folders.size === 0) clearTimeout(this.#timer);
    };
  }

  #arm(): void {
    clearTimeout(this.#timer);
    if (this.#isBusy || this.#folders.size === 0) return;
    const dueMs = Math.min(...[...this.#folders].map(folder => folder.dueMs));
    this.#timer = setTimeout(() => void this.#next(), Math.max(0, dueMs - readClock().monoMs));
  }

  async #next(): Promise<void> {
    const [folder] = [...this.#folders].sort((a, b) => a.dueMs - b.dueMs);
    if (!folder) return;
    this.#isBusy = true;
    const startedMs = readClock().monoMs;
    const bytes = await this.#measure(folder.path);
    const endedMs = readClock().monoMs;
    this.#isBusy = false;
    folder.dueMs = endedMs + Math.max(APART_MS, (endedMs - startedMs) / SHARE);
    if (bytes !== null && this.#folders.has(folder)) folder.onUse(bytes);
    this.#arm();
  }
}

/** What a folder takes on its disk, as `du` says; null when it does not. What vanishes meanwhile is not counted. */
export function diskUseOf(path: string): Promise<number | null> {
  return new Promise(resolve => {
    const du = spawn('du', ['-skx', path], {
      stdio: ['ignore', 'pipe', 'ignore'],
      timeout: PATIENCE_MS,
      killSignal: 'SIGKILL',
    });
    let text = '';
    du.stdout.on('data', (chunk: Buffer) => {
      text += chunk.toString('latin1');
    });
    du.once('error', () => resolve(null));
    du.once('close', () => {
      const kilobytes = Number.parseInt(text, 10);
      resolve(Number.isNaN(kilobytes) ? null : kilobytes * 1024);
    });
  });
}
