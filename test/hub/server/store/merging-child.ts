import {formatStamp} from '../../../../src/hub/replica/hybrid-clock.ts';
import {openHubStore} from '../../../../src/hub/server/store/open-hub-store.ts';

/** Merges what says the same in tenant `a`, an entry of the log at a time, and kills itself in the turn that it is told. */
const [file = '', count = '0', last = '0'] = process.argv.slice(2);
const opened = openHubStore({file});
if (!opened.ok) throw new Error(JSON.stringify(opened.failure));
const store = opened.value;
const positions = Array.from({length: Number(count)}, (_, index) => index + 1);
let ticks = 0;
const at = () => formatStamp({ms: Date.now(), counter: (ticks = (ticks + 1) % 65_536), node: 'hub'});
for (let turn = 1; ; turn += 1) {
  // Some of the others at random, so that some are merged into one that is merged itself later.
  const near = () => positions.filter(() => Math.random() < 0.1);
  const report = store.merges.turn('a', {quorum: 0, consolidate: null, near, at, mayGoOn: () => false});
  // Before what was written is durable, or just after.
  const isLast = turn === Number(last) && report?.done !== 'all';
  if (isLast && turn % 2 === 0) process.kill(process.pid, 'SIGKILL');
  const flushed = store.flush();
  if (!flushed.ok || report === null) throw new Error('nothing can be written');
  if (report.done === 'all') break;
  if (isLast) process.kill(process.pid, 'SIGKILL');
}
