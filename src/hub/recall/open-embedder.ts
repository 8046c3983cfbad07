import {never} from '../../base/never.ts';
import {type EndpointSettings, openEndpointEmbedder} from './endpoint-embedder.ts';
import {hashedEmbedder} from './hashed-embedder.ts';
import {isModelInstalled, modelEmbedder} from './model-embedder.ts';
import type {Embedder} from './vector-index.ts';

/**
 * auto: the model when its packages are installed, because it finds what is said in other words; else hashed n-grams.
 * model: refused when they are not.
 */
export type EmbedderSettings =
  | {readonly kind: 'auto' | 'model' | 'hashed'}
  | ({readonly kind: 'endpoint'} & EndpointSettings);

/** The embedder that is asked for. Only an endpoint whose dimensions are not set is talked to. Rejects with what to do. */
export async function openEmbedder(
  settings: EmbedderSettings,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Embedder> {
  switch (settings.kind) {
    case 'auto':
      return isModelInstalled() ? modelEmbedder() : hashedEmbedder();
    case 'model':
      return modelEmbedder();
    case 'hashed':
      return hashedEmbedder();
    case 'endpoint':
      return openEndpointEmbedder(settings, env);
    default:
      return never(settings);
  }
}
