import {runSeed} from '../src/simulation/run-seed.ts';
const from = Number(process.argv[2] ?? 1), n = Number(process.argv[3] ?? 1);
const trace = process.argv[4] === 't';
const total: Record<string, number> = {};
const fails: Record<string, number[]> = {};
const t0 = Date.now();
for (let s = from; s < from + n; s++) {
  const r = runSeed(s, trace ? {onLine: l => console.log(l)} : {});
  for (const [k, v] of Object.entries(r.stats.counts)) total[k] = (total[k] ?? 0) + v;
  if (!r.ok) { const k = r.violation.split(':')[0]!; (fails[k] ??= []).push(s); if (n === 1) { if (!trace) console.log(r.trace.slice(-50).join('\n')); console.log(r.violation); } }
}
console.log(Date.now() - t0, 'ms'); 
if (n > 1) { console.table(total); for (const [k, v] of Object.entries(fails)) console.log(v.length, k, v.slice(0, 8).join(' ')); }
