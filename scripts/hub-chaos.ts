import {parseArgs} from 'node:util';
import {canMount, hubDiskFull} from '../test/chaos/hub-disk-full.ts';
import {hubSiege} from '../test/chaos/hub-siege.ts';
import {recordTable} from './reliability-table.ts';

/** kill -9 of `godel hub serve` under load, again and again, and a disk that becomes full: `npm run chaos:hub -- --kills 200 --record`. */
const {values} = parseArgs({
  options: {
    kills: {type: 'string', default: '200'},
    seed: {type: 'string', default: '1'},
    /** Write the result to docs/reliability.md. */
    record: {type: 'boolean', default: false},
  },
});
const [kills, seed] = [Number(values.kills), Number(values.seed)];
const siege = await hubSiege({
  kills,
  seed,
  onKill: (done, {acknowledged}) => {
    if (done % 10 === 0) console.error(`${done} kills, ${acknowledged} acknowledged`);
  },
});
// The zeros are what each restart has checked: it throws otherwise.
const killed = {
  kills: siege.kills,
  'while it started': siege.whileStarting,
  acknowledged: siege.acknowledged,
  'acknowledged and lost': 0,
  'there twice': 0,
  gaps: 0,
  'kept though not answered, and known again': siege.keptUnanswered,
  'clients that went on by themselves': siege.resumed,
  'slowest start': `${siege.slowestStartMs} ms`,
};
console.table(killed);
if (values.record) recordTable('hub-chaos', killed);
if (canMount()) {
  const full = await hubDiskFull();
  const row = {
    'taken before it was full': full.before,
    'refused, to be tried again': full.refused,
    'of these kept': 0,
    'reads answered meanwhile': full.read,
    'taken when there was room': full.after,
  };
  console.table(row);
  if (values.record) recordTable('hub-disk-full', row);
} else console.log('no disk of our own can be mounted here (it takes root): a full disk was not tried');
