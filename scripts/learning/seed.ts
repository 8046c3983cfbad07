import {ALL_WORK} from './challenges.ts';
import {experiment, LINES, type Measured} from './experiment.ts';

/** One seed, as a child process of `run.ts`, which is told what was measured: `seed.ts SEED GENERATIONS EMBEDDER`. */
const [seed = '', generations = '', embedder = ''] = process.argv.slice(2);
await experiment({
  work: ALL_WORK,
  seed: Number(seed),
  generations: Number(generations),
  perFamily: 3,
  unseenPerFamily: 2,
  embedder: {kind: embedder === 'model' ? 'model' : 'hashed'},
  atOnce: 8,
  lines: LINES,
  onMeasured: (measured: Measured) => process.send?.(measured),
});
process.disconnect();
