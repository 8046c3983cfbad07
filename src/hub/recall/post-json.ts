/** again: may go well later, after `afterMs` when the other side said so (else null). refused: it will not. */
export type EndpointReply =
  | {readonly kind: 'answer'; readonly value: unknown}
  | {readonly kind: 'again'; readonly detail: string; readonly afterMs: number | null}
  | {readonly kind: 'refused'; readonly detail: string};

interface PostOptions {
  readonly body: unknown;
  /** Sent as bearer token; never shown. */
  readonly key: string | null;
  /** For the whole of it, milliseconds. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
}

const MAX_ANSWER_BYTES = 64 * 1024 * 1024;
const SHOWN_CHARS = 200;

/** Posts JSON and reads JSON, at most 64 MiB of it; follows no redirection, because the key must not go elsewhere. */
export async function postJson(url: URL, {body, key, timeoutMs, signal}: PostOptions): Promise<EndpointReply> {
  const ending = new AbortController();
  const onAbort = () => ending.abort();
  signal.addEventListener('abort', onAbort, {once: true});
  if (signal.aborted) ending.abort();
  const tooLate = new Error(`did not answer within ${timeoutMs} ms`);
  const timer = setTimeout(() => ending.abort(tooLate), timeoutMs);
  try {
    const response = await fetch(url, {
      method: 'POST',
      headers: {'content-type': 'application/json', ...(key === null ? {} : {authorization: `Bearer ${key}`})},
      body: JSON.stringify(body),
      redirect: 'manual',
      signal: ending.signal,
    });
    return replyOf(response, await read(response), key);
  } catch (error) {
    const detail = ending.signal.reason === tooLate ? tooLate.message : `could not be reached: ${causeOf(error)}`;
    return {kind: 'again', detail, afterMs: null};
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', onAbort);
  }
}

function replyOf(response: Response, text: string | null, key: string | null): EndpointReply {
  if (text === null) return {kind: 'refused', detail: `answered with more than ${MAX_ANSWER_BYTES} bytes`};
  const shown = key === null ? text : text.replaceAll(key, '…');
  const said = shown.replaceAll(/\s+/g, ' ').trim().slice(0, SHOWN_CHARS);
  if (response.status === 429 || response.status >= 500) {
    const afterMs = retryAfterMs(response.headers.get('retry-after'), Date.now());
    return {kind: 'again', detail: `answered ${response.status}: ${said}`, afterMs};
  }
  if (!response.ok) return {kind: 'refused', detail: `answered ${response.status}: ${said}`};
  try {
    return {kind: 'answer', value: JSON.parse(text) as unknown};
  } catch {
    // The text itself says more than where its JSON breaks off.
    return {kind: 'refused', detail: `answered what is not JSON: ${said}`};
  }
}

/** Milliseconds from a `Retry-After` header, in seconds or as a date (RFC 9110, section 10.2.3); null: it says nothing usable. */
export function retryAfterMs(header: string | null, wallMs: number): number | null {
  if (header === null || header.trim() === '') return null;
  const seconds = Number(header);
  const ms = Number.isNaN(seconds) ? Date.parse(header) - wallMs : seconds * 1000;
  return Number.isFinite(ms) ? Math.max(0, ms) : null;
}

/** The body as text; null: too long. */
async function read(response: Response): Promise<string | null> {
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  // fetch types its body as a stream of unknown chunks; they are bytes.
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length;
    if (bytes > MAX_ANSWER_BYTES) return null;
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.cause instanceof Error ? error.cause.message || error.cause.name : error.message;
}
