import {GodelError} from '../../model/failure.ts';
import type {EmbedderSettings} from '../recall/open-embedder.ts';

/** What finds by meaning, as somebody wrote it. */
export interface EmbedderWords {
  readonly kind: string;
  /** Only of an endpoint. */
  readonly url?: string | undefined;
  readonly model?: string | undefined;
  /** The name of the variable that holds the key. */
  readonly keyEnv?: string | undefined;
  readonly dimensions?: number | undefined;
}

const KINDS = ['auto', 'model', 'hashed'] as const;

/** Throws a `GodelError` on words that do not go together. */
export function embedderSettings({kind, url, model, keyEnv, dimensions}: EmbedderWords): EmbedderSettings {
  if (kind === 'endpoint') {
    if (url !== undefined && model !== undefined) {
      return {kind, url, model, apiKeyEnv: keyEnv ?? null, dimensions: dimensions ?? null};
    }
    const hint = 'For example --embedder-url http://127.0.0.1:11434/v1 --embedder-model nomic-embed-text.';
    const message = `the embedder endpoint needs ${url === undefined ? '--embedder-url' : '--embedder-model'}`;
    throw new GodelError({reason: 'usage', message, hint});
  }
  const found = KINDS.find(each => each === kind);
  if (found === undefined) {
    throw new GodelError({
      reason: 'out-of-range',
      what: '--embedder',
      value: kind,
      range: 'auto, model, hashed or endpoint',
    });
  }
  if (url === undefined && model === undefined && keyEnv === undefined && dimensions === undefined)
    return {kind: found};
  const message = `an endpoint for embeddings is described, and the embedder is ${kind}`;
  throw new GodelError({reason: 'usage', message, hint: 'Say --embedder endpoint, or leave the others out.'});
}
