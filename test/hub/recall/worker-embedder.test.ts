import {afterEach, describe, expect, test} from 'vitest';
import {isModelInstalled, modelEmbedder} from '../../../src/hub/recall/model-embedder.ts';
import {WorkerEmbedder} from '../../../src/hub/recall/worker-embedder.ts';
import {hitsOf} from './hits.ts';
import {OTHER_WORDS, SAME_WORDS} from './sanity-pairs.ts';

/** A worker that does what its texts say; a vector holds the thread that computed it and the length of its text. */
const STEERED = `
const {parentPort, threadId} = require('node:worker_threads');
parentPort.on('message', ({call, texts}) => {
  if (texts.includes('throw')) throw new Error('as told');
  if (texts.includes('exit')) process.exit(3);
  if (texts.includes('hang')) return;
  if (texts.includes('fail')) return parentPort.postMessage({call, error: 'cannot read it'});
  if (texts.includes('short')) return parentPort.postMessage({call, vectors: new Float32Array(1)});
  parentPort.postMessage({call, vectors: Float32Array.from(texts.flatMap(text => [threadId, text.length]))});
});`;

const opened: WorkerEmbedder[] = [];
function steered(timeoutMs = 20_000): WorkerEmbedder {
  const embedder = new WorkerEmbedder({id: 'steered', dimensions: 2, code: STEERED, workerData: null, timeoutMs});
  opened.push(embedder);
  return embedder;
}
afterEach(async () => {
  await Promise.all(opened.splice(0).map(embedder => embedder.close()));
});

async function threadOf(embedder: WorkerEmbedder): Promise<number> {
  const [vector] = await embedder.embed(['ok']);
  return vector![0]!;
}

describe('an embedder in a worker thread', () => {
  test('answers in the order of the texts, also in many portions', async () => {
    const texts = Array.from({length: 150}, (_, index) => 'x'.repeat(index));
    const vectors = await steered().embed(texts);
    expect(vectors.map(vector => vector[1])).toEqual(texts.map(text => text.length));
    expect(await steered().embed([])).toEqual([]);
  });

  test('reads so much of a text and no more', async () => {
    const [vector] = await steered().embed(['x'.repeat(5000)]);
    expect(vector?.[1]).toBe(600);
  });

  test.each([
    ['throw', /worker of the embedder steered died: as told/],
    ['exit', /worker of the embedder steered died: exit code 3/],
  ])('when its worker dies (%s), the calls it had fail, and the next has a new worker', async (how, message) => {
    const embedder = steered();
    const first = await threadOf(embedder);
    const lost = [embedder.embed([how]), embedder.embed(['hang'])];
    for (const call of await Promise.allSettled(lost)) {
      expect(call).toMatchObject({status: 'rejected', reason: {message: expect.stringMatching(message)}});
    }
    expect(await threadOf(embedder)).toBeGreaterThan(first);
  });

  test('ends a worker that does not answer in time', async () => {
    const embedder = steered(300);
    await expect(embedder.embed(['hang'])).rejects.toThrow('did not answer within 300 ms and was ended');
  });

  test('a failure of one text is one of that call', async () => {
    const embedder = steered();
    const first = await threadOf(embedder);
    await expect(embedder.embed(['fail'])).rejects.toThrow('The embedder steered failed: cannot read it');
    await expect(embedder.embed(['short'])).rejects.toThrow('gave 1 numbers for 1 texts of 2 dimensions');
    expect(await threadOf(embedder)).toBe(first);
  });

  test('refuses more texts than may wait', async () => {
    const embedder = steered();
    await expect(embedder.embed(Array.from({length: 20_001}, () => 'x'))).rejects.toThrow('and 20000 may');
    expect(await threadOf(embedder)).toBeGreaterThan(0);
  });

  test('closing ends what is under way, twice is once, and afterwards nothing starts', async () => {
    const embedder = steered();
    await threadOf(embedder);
    const hanging = embedder.embed(['hang']);
    const rejected = expect(hanging).rejects.toThrow('The embedder steered is closed.');
    expect(embedder.close()).toBe(embedder.close());
    await embedder.close();
    await rejected;
    await expect(embedder.embed(['ok'])).rejects.toThrow('The embedder steered is closed.');
  });
});

describe.runIf(isModelInstalled())('the model in its worker', () => {
  test('brings together tasks that share words and many that share none', async () => {
    const embedder = modelEmbedder();
    try {
      expect(embedder.dimensions).toBe(512);
      const [empty, blank] = await embedder.embed(['', ' \n']);
      expect(Math.hypot(...empty!)).toBeCloseTo(1, 4);
      expect(blank).toEqual(empty);
      expect(await hitsOf(embedder, SAME_WORDS)).toBeGreaterThanOrEqual(10);
      expect(await hitsOf(embedder, OTHER_WORDS)).toBeGreaterThanOrEqual(7);
    } finally {
      await embedder.close();
    }
  });
});
