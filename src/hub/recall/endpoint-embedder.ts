import {type BackoffOptions, backoffMs} from '../../base/backoff.ts';
import {sleep} from '../../base/clock.ts';
import {type EndpointReply, postJson} from './post-json.ts';
import type {Embedder} from './vector-index.ts';

export interface EndpointSettings {
  /** `https://…/v1` or the whole `https://…/v1/embeddings`; plain http only to this machine when a key is sent. */
  readonly url: string;
  readonly model: string;
  /** Name of the environment variable that holds the key; null: no key. */
  readonly apiKeyEnv: string | null;
  /** null: asked for with one text when it is opened. */
  readonly dimensions: number | null;
  /** Of one request, milliseconds, > 0. Default 30,000. */
  readonly timeoutMs?: number;
  /** Texts of one request, ≥ 1. Default 64. */
  readonly batch?: number;
  /** Requests for one batch until it is given up, ≥ 1. Default 4. */
  readonly tries?: number;
  /** Between tries, where the endpoint does not say itself. */
  readonly backoff?: BackoffOptions;
}

const MAX_CHARS = 8000;
const LONGEST_WAIT_MS = 60_000;
const PROBE = 'probe';

/**
 * An embedder behind an endpoint with OpenAI's `POST /embeddings`. Tries again after 429, 5xx, a lost connection or
 * silence, waiting as `Retry-After` says (at most a minute). Rejects on settings that cannot work, a key that is not
 * there, an endpoint that refuses, and vectors that are not what was asked for. The key is in no message.
 */
export async function openEndpointEmbedder(
  settings: EndpointSettings,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Embedder> {
  const {model} = settings;
  for (const name of ['timeoutMs', 'batch', 'tries', 'dimensions'] as const) checkCount(name, settings[name]);
  const key = keyFrom(settings.apiKeyEnv, env);
  const url = embeddingsUrl(settings.url, key);
  const closing = new AbortController();
  const ask = (texts: readonly string[]) => askEndpoint({settings, url, key, texts, signal: closing.signal});
  const dimensions = settings.dimensions ?? (await ask([PROBE]))[0]?.length ?? 0;
  const embed = async (texts: readonly string[]) => {
    const vectors: Float32Array[] = [];
    const {batch = 64} = settings;
    for (let start = 0; start < texts.length; start += batch) {
      const some = await ask(texts.slice(start, start + batch));
      const wrong = some.find(vector => vector.length !== dimensions);
      if (wrong) {
        throw new Error(
          `The model ${model} at ${url.origin} gave ${wrong.length} dimensions and not ${dimensions}; set the dimensions of the embedder to ${wrong.length}, or name the right model.`,
        );
      }
      vectors.push(...some);
    }
    return vectors;
  };
  const close = () => {
    closing.abort(new Error(`The embedder of ${url.origin} is closed.`));
    return Promise.resolve();
  };
  return {id: `endpoint:${url.origin}${url.pathname}:${model}:${dimensions}`, dimensions, embed, close};
}

interface Request {
  readonly settings: EndpointSettings;
  readonly url: URL;
  readonly key: string | null;
  readonly texts: readonly string[];
  readonly signal: AbortSignal;
}

async function askEndpoint({settings, url, key, texts, signal}: Request): Promise<readonly Float32Array[]> {
  const {model, timeoutMs = 30_000, tries = 4, backoff = {baseMs: 500, maxMs: 20_000}} = settings;
  // An endpoint refuses a text without any character.
  const input = texts.map(text => (text.trim() === '' ? '.' : text.slice(0, MAX_CHARS)));
  for (let tried = 1; ; tried += 1) {
    signal.throwIfAborted();
    const reply = await postJson(url, {body: {model, input}, key, timeoutMs, signal});
    if (reply.kind === 'answer') return vectorsOf(reply.value, {url, model, count: texts.length});
    signal.throwIfAborted();
    const what = `The embeddings endpoint ${url.origin} ${reply.detail}`;
    if (reply.kind === 'refused') throw new Error(`${what}. Check url, model and key of the embedder.`);
    if (tried >= tries) throw new Error(`${what}, in ${tried} tries.`);
    await sleep(waitMs(reply, backoffMs(tried, backoff, Math.random)), {signal});
  }
}

function waitMs(reply: EndpointReply & {kind: 'again'}, otherwiseMs: number): number {
  return Math.min(LONGEST_WAIT_MS, reply.afterMs ?? otherwiseMs);
}

function checkCount(name: string, value: number | null | undefined): void {
  if (value === null || value === undefined || (Number.isInteger(value) && value >= 1)) return;
  throw new Error(`The setting ${name} of the embedder is ${value}; it must be an integer from 1.`);
}

function keyFrom(name: string | null, env: NodeJS.ProcessEnv): string | null {
  if (name === null) return null;
  const key = env[name]?.trim();
  if (!key) throw new Error(`The embedder takes its key from the environment variable ${name}, which is not set.`);
  return key;
}

function embeddingsUrl(given: string, key: string | null): URL {
  const url = URL.canParse(given) ? new URL(given) : null;
  if (!url || !['http:', 'https:'].includes(url.protocol)) {
    throw new Error(`The url of the embedder is ${JSON.stringify(given)}; it must begin with https:// or http://.`);
  }
  // They would be shown in messages and lists of processes.
  if (url.username !== '' || url.password !== '') {
    throw new Error(`The url of the embedder holds a name or a password: give a key in an environment variable.`);
  }
  const local = ['localhost', '127.0.0.1', '[::1]'].includes(url.hostname);
  if (url.protocol === 'http:' && key !== null && !local) {
    throw new Error(`The embedder would send its key over plain http to ${url.host}; use https.`);
  }
  const path = url.pathname.replace(/\/+$/, '');
  url.pathname = path.endsWith('/embeddings') ? path : `${path}/embeddings`;
  return url;
}

/** Unit vectors in the order of the texts. */
function vectorsOf(
  value: unknown,
  {url, model, count}: {url: URL; model: string; count: number},
): readonly Float32Array[] {
  const rows = isRecord(value) && Array.isArray(value.data) ? (value.data as readonly unknown[]) : [];
  const vectors: (Float32Array | undefined)[] = Array.from({length: count});
  for (const [place, row] of rows.entries()) {
    if (!isRecord(row)) continue;
    const index = typeof row.index === 'number' ? row.index : place;
    if (Number.isInteger(index) && index >= 0 && index < count) vectors[index] = unitVector(row.embedding);
  }
  return vectors.map((vector, index) => {
    if (vector) return vector;
    throw new Error(`The model ${model} at ${url.origin} gave no usable vector for text ${index + 1} of ${count}.`);
  });
}

function unitVector(embedding: unknown): Float32Array | undefined {
  if (!Array.isArray(embedding) || embedding.length === 0) return undefined;
  const numbers = embedding.filter((value): value is number => typeof value === 'number' && Number.isFinite(value));
  const length = Math.sqrt(numbers.reduce((sum, value) => sum + value * value, 0));
  if (numbers.length !== embedding.length || length === 0) return undefined;
  return Float32Array.from(numbers, value => value / length);
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null;
}
