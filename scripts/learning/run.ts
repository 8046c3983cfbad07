import {fork} from 'node:child_process';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import type {Measured} from './experiment.ts';
import {figuresOf, verdictsOf} from './figures.ts';
import {tablesOf, writePage} from './page.ts';
import {missingTools} from './tools.ts';

/**
 * `npm run bench:learning`: generations of agents with and without a hub; writes docs/learning.md and docs/learning.svg. With `--check` it
 * ends with code 1 when a target is missed. With `--embedder model` it only prints.
 */
const {values} = parseArgs({
  options: {
    seeds: {type: 'string', default: '5'},
    generations: {type: 'string', default: '3'},
    embedder: {type: 'string', default: 'hashed'},
    check: {type: 'boolean', default: false},
    'no-write': {type: 'boolean', default: false},
  },
});
/** The first of those that were looked at by nobody while the policy was written: that was done with 1 to 5. */
const FIRST_SEED = 11;

const {embedder: kind} = values;
const [seeds, generations] = [Number(values.seeds), Number(values.generations)];
if (kind !== 'model' && kind !== 'hashed') throw new Error(`--embedder is ${kind}: use hashed or model`);
if (!(Number.isInteger(seeds) && seeds >= 2)) throw new Error(`--seeds is ${values.seeds}: use 2 or more`);
if (!(Number.isInteger(generations) && generations >= 3))
  throw new Error(`--generations is ${values.generations}: use 3 or more`);
const missing = missingTools();
if (missing.length > 0) throw new Error(`these programs are needed and not there: ${missing.join(', ')}`);

/** Each seed is a process of its own, with a hub of its own; all at the same time. */
const measured = (await Promise.all(Array.from({length: seeds}, (_, index) => measure(FIRST_SEED + index)))).flat();
const verdicts = verdictsOf(measured);
const tables = tablesOf(measured, verdicts);
console.log(tables);
if (kind === 'hashed' && !values['no-write']) writePage(measured, {tables, command: 'npm run bench:learning'});
if (values.check && verdicts.some(({met}) => !met)) process.exitCode = 1;

function measure(seed: number): Promise<readonly Measured[]> {
  const child = fork(join(import.meta.dirname, 'seed.ts'), [String(seed), String(generations), kind]);
  const told: Measured[] = [];
  child.on('message', message => {
    const each = message as Measured; // Only our own seed.ts sends.
    told.push(each);
    tell(each);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', code => (code === 0 ? resolve(told) : reject(new Error(`seed ${seed} ended with ${code}`))));
  });
}

function tell({line, seed, generation, runs}: Measured): void {
  const {attempts, first} = figuresOf(runs.filter(({isNoise}) => !isNoise));
  const figures = `${attempts.toFixed(2)} attempts per success, ${(first * 100).toFixed(0)} % at the first`;
  console.log(`seed ${seed}, generation ${generation}, ${line}: ${figures}`);
}
