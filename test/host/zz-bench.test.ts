import {test} from 'vitest';
import {spawn} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {HostRig, TestDaemon, LIMITS} from '/work/wt/host/test/host/host-rig.ts';
test('b', {timeout: 60000}, async () => {
const N = Number(process.env.NN ?? 1000), W = 50;
function bare(): Promise<number> {
  return new Promise(resolve => {
    const t = performance.now(); let started = 0, done = 0;
    const next = () => { if (started >= N) return; started++; const c = spawn('true', [], {stdio: ['ignore','pipe','pipe'], detached: true}); c.on('exit', () => { done++; if (done === N) resolve(performance.now()-t); else next(); }); };
    for (let i=0;i<W;i++) next();
  });
}
const cpu = (pid: number) => { const f = readFileSync(`/proc/${pid}/stat','latin1'`.slice(0,0) || `/proc/${pid}/stat`, 'latin1').split(') ')[1]!.split(' '); return [Number(f[11])/100, Number(f[12])/100, Number(f[13])/100 + Number(f[14])/100]; };
async function host(): Promise<number> {
  const rig = await HostRig.start({limits: LIMITS, ...(process.env.PROG ? {program: process.env.PROG} : {}), env: {NODE_OPTIONS: process.env.HOSTNODE ?? ''}});
  rig.openTeam({}); 
  const d = rig.daemon as any;
  const c0 = cpu(rig.pid);
  const t = performance.now();
  let sent = 0, finished = 0;
  await new Promise<void>(resolve => {
    const assign = (n: number) => { const orders = []; for (; n > 0 && sent < N; n--) orders.push(rig.order(++sent, 'true')); if (orders.length) rig.assign(...orders); };
    const set = d.reports.set.bind(d.reports);
    let batch = 0, sched = false;
    d.reports.set = (k: number, r: any) => { set(k, r); if (r.type === 'attempt-finished') { finished++; batch++; if (!sched) { sched = true; setImmediate(() => { sched = false; const b = batch; batch = 0; assign(b); }); } if (finished === N) resolve(); } return d.reports; };
    assign(W);
  });
  const ms = performance.now() - t;
  const c1 = cpu(rig.pid);
  const rss = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${rig.pid}/status`,'latin1'))![1];
  console.log('host', ms.toFixed(0), 'ms; host user/sys s', c1.map((x,i)=>(x-c0[i]!).toFixed(2)).join(' '), 'rss', rss);
  await rig[Symbol.asyncDispose]().catch(e => console.log(String(e).slice(0,200)));
  return ms;
}
for (let i = 0; i < 1; i++) {  await host(); }

});
