import {expect, test} from 'vitest';
import {isModelInstalled} from '../../../src/hub/recall/model-embedder.ts';
import {openEmbedder} from '../../../src/hub/recall/open-embedder.ts';
import {EmbeddingsServer} from './embeddings-server.ts';

const MODEL = 'universal-sentence-encoder-lite-en-0.2.0';

test('opens the embedder that is asked for, without any of them starting to work', async () => {
  const embedders = await Promise.all([openEmbedder({kind: 'hashed'}), openEmbedder({kind: 'auto'})]);
  expect(embedders.map(({id}) => id)).toEqual(['hashed-ngrams-1', isModelInstalled() ? MODEL : 'hashed-ngrams-1']);
  await Promise.all(embedders.map(embedder => embedder.close()));
});

test('an endpoint is one', async () => {
  await using server = await EmbeddingsServer.open();
  const endpoint = {url: server.origin, model: 'm', apiKeyEnv: null, dimensions: 4};
  const embedder = await openEmbedder({kind: 'endpoint', ...endpoint}, {});
  expect(server.asked).toEqual([]);
  expect(embedder.id).toBe(`endpoint:${server.origin}/embeddings:m:4`);
});

test.runIf(isModelInstalled())('the model is one', async () => {
  const embedder = await openEmbedder({kind: 'model'});
  expect(embedder.id).toBe(MODEL);
  await embedder.close();
});
