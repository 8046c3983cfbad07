import {parseArgs} from 'node:util';
import {recordTable} from './reliability-table.ts';
import {runSeed, type SeedResult} from '../src/simulation/run-seed.ts';

const USAGE = `npm run simulate -- [--seeds N] [--from SEED]   lives through N simulated worlds (default 1000, from 1);
                                                 --record writes the result to docs/reliability.md
npm run simulate -- --seed SEED [--trace]        lives through one of them again, line by line with --trace`;
const SHOWN_LINES = 60;
const MAX_FAILURES = 5;

const {values} = parseArgs({
  options: {
    seeds: {type: 'string', default: '1000'},
    from: {type: 'string', default: '1'},
    seed: {type: 'string'},
    trace: {type: 'boolean', default: false},
    record: {type: 'boolean', default: false},
    help: {type: 'boolean', default: false},
  },
});

process.exitCode = main();

function main(): number {
  if (values.help) {
    console.log(USAGE);
    return 0;
  }
  const [seeds, from, only] = [values.seeds, values.from, values.seed ?? '0'].map(Number);
  if (![seeds, from, only].every(Number.isSafeInteger)) {
    console.error(`Seeds are whole numbers.\n${USAGE}`);
    return 2;
  }
  return values.seed === undefined ? runMany(from ?? 1, seeds ?? 0) : runOne(only ?? 0);
}

function runOne(seed: number): number {
  const result = runSeed(seed, values.trace ? {onLine: line => console.log(line)} : {});
  if (!result.ok) return report(result);
  const {hash, lines, virtualMs, counts} = result.stats;
  console.table(counts);
  console.log(`Seed ${seed}: ${lines} lines over ${(virtualMs / 1000).toFixed(0)} virtual seconds, trace ${hash}.`);
  return 0;
}

function runMany(from: number, seeds: number): number {
  const total = new Map<string, number>();
  const started = performance.now();
  let virtualMs = 0;
  let failures = 0;
  let done = 0;
  for (; done < seeds && failures < MAX_FAILURES; done++) {
    const result = runSeed(from + done);
    virtualMs += result.stats.virtualMs;
    for (const [what, times] of Object.entries(result.stats.counts)) total.set(what, (total.get(what) ?? 0) + times);
    if (!result.ok) failures += report(result);
    if ((done + 1) % 1000 === 0) console.error(`${done + 1} of ${seeds} seeds, ${failures} failed`);
  }
  console.table(Object.fromEntries([...total].sort(([a], [b]) => (a < b ? -1 : 1))));
  const seconds = (performance.now() - started) / 1000;
  if (values.record) {
    const sum = (wanted: (what: string) => boolean) =>
      [...total].reduce((all, [what, times]) => (wanted(what) ? all + times : all), 0);
    recordTable('simulation', {
      seeds: done,
      'inputs handled': sum(what => what === 'inputs handled'),
      'faults injected': sum(what => what.startsWith('fault: ') || what.startsWith('daemon crash')),
      'of these daemon crashes': sum(what => what.startsWith('daemon crash')),
      'virtual days': Math.round(virtualMs / 86_400_000),
      failures,
    });
  }
  console.log(
    `${done} seeds from ${from}: ${failures} failed; ${(virtualMs / 86_400_000).toFixed(1)} virtual days in ${seconds.toFixed(1)} s.`,
  );
  return failures > 0 ? 1 : 0;
}

/** Everything somebody needs who has never seen this seed: what broke, what led to it, how to see it again. */
function report(result: Extract<SeedResult, {ok: false}>): 1 {
  if (!values.trace) console.log(result.trace.slice(-SHOWN_LINES).join('\n'));
  console.log(`\nSeed ${result.seed} broke an invariant: ${result.violation}`);
  console.log(`Replay it with: npm run simulate -- --seed ${result.seed} --trace\n`);
  return 1;
}
