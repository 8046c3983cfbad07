import {parseArgs} from 'node:util';
import {ALL_WORK} from './challenges.ts';
import {experiment, LINES, type Measured} from './experiment.ts';
import {figuresOf, verdictsOf} from './figures.ts';
import {tablesOf, writePage} from './page.ts';
import {missingTools} from './tools.ts';

/**
 * `npm run bench:learning`: generations of agents with and without a hub; writes docs/learning.md and docs/learning.svg. With `--check` it
 * ends with code 1 when what the page claims was not measured.
 */
const {values} = parseArgs({
  options: {
    seeds: {type: 'string', default: '5'},
    generations: {type: 'string', default: '4'},
    embedder: {type: 'string', default: 'hashed'},
    check: {type: 'boolean', default: false},
    'no-write': {type: 'boolean', default: false},
  },
});
const AT_ONCE = 16;
const {embedder: kind} = values;
const [seeds, generations] = [Number(values.seeds), Number(values.generations)];
if (kind !== 'model' && kind !== 'hashed') throw new Error(`--embedder is ${kind}: use hashed or model`);
if (!(Number.isInteger(seeds) && seeds >= 2)) throw new Error(`--seeds is ${values.seeds}: use 2 or more`);
if (!(Number.isInteger(generations) && generations >= 3)) throw new Error(`--generations is ${values.generations}: use 3 or more`);
const missing = missingTools();
if (missing.length > 0) throw new Error(`these programs are needed and not there: ${missing.join(', ')}`);

const measured: Measured[] = [];
for (let seed = 1; seed <= seeds; seed += 1) {
  const options = {work: ALL_WORK, seed, generations, perFamily: 3, unseenPerFamily: 2, atOnce: AT_ONCE};
  measured.push(...(await experiment({...options, embedder: {kind}, lines: LINES, onMeasured: tell})));
}
const verdicts = verdictsOf(measured);
const tables = tablesOf(measured, verdicts);
console.log(tables);
if (!values['no-write']) {
  const isMain = kind === 'hashed';
  const command = `npm run bench:learning${isMain ? '' : ' -- --embedder model'}`;
  writePage(isMain ? 'learning' : 'learning-model', measured, {tables, command, draws: isMain});
}
if (values.check && verdicts.some(({met}) => !met)) process.exitCode = 1;

function tell({line, seed, generation, runs}: Measured): void {
  const {attempts, first} = figuresOf(runs.filter(({isNoise}) => !isNoise));
  const figures = `${attempts.toFixed(2)} attempts per success, ${(first * 100).toFixed(0)} % at the first`;
  console.log(`seed ${seed}, generation ${generation}, ${line}: ${figures}`);
}
