import {fileURLToPath} from 'node:url';
import {editMany, type EditManyReport} from '../../test/end-to-end/edit-many.ts';
import type {Ledger} from '../../test/model-server/ledger.ts';
import {cliFolder, cliOrWhyNot} from '../../test/model-server/installed-clis.ts';
import {overheadRows} from './agents-overhead.ts';
import type {Bench, BenchRow} from './table.ts';

const AGENTS = 50;
const SLOTS = 10;
const WITHIN_MS = 20 * 60_000;

/** Real pi against the scripted model server: what godel adds to the CLI, and how well it uses a provider that throttles. */
export const agentsBench: Bench = {
  name: 'agents',
  title: 'Real coding agents (pi) on the scripted model server',
  run: async () => {
    if (cliFolder('pi') === null) return [notMeasured(cliOrWhyNot('pi'))];
    return [...(await overheadRows()), ...(await throttleRows()), ...(await memoryRows())];
  },
};

/** 120 tasks on 50 agents, though only ten requests at a time are let through; an answer takes eight seconds. */
async function throttleRows(): Promise<BenchRow[]> {
  const throttle = {concurrent: SLOTS, retryAfter: 2};
  const report = await editMany({
    cli: 'pi',
    agents: AGENTS,
    files: 120,
    throttle,
    latencyMs: 8000,
    withinMs: WITHIN_MS,
  });
  const {failed, succeeded, total} = report.view.tasks;
  const allowedMs = servedMs(report.ledger) / SLOTS;
  const share = allowedMs / report.tookMs;
  const bill = report.ledger.bill();
  const usd = report.view.usage.usd ?? Number.NaN;
  return [
    {
      what: `50 agents, 10 requests at a time: tasks that failed (of ${total})`,
      ours: String(failed),
      anchor: `${bill.statuses['429'] ?? 0} times 429 in ${bill.requests} requests`,
      ratio: '–',
      target: '0',
      met: failed === 0 && succeeded === total,
    },
    {
      what: 'throughput of what the throttle allows',
      ours: `${seconds(report.tookMs)} in all`,
      anchor: `${seconds(allowedMs)} with 10 requests at any time`,
      ratio: share.toFixed(2),
      target: '≥ 0.90',
      met: share >= 0.9,
    },
    {
      what: 'cost accounted, against what the server billed',
      ours: `$${usd.toFixed(6)}`,
      anchor: `$${bill.usd.toFixed(6)}`,
      ratio: (usd / bill.usd).toFixed(6),
      target: 'error 0',
      met: Math.abs(usd - bill.usd) < 0.000_001,
    },
    {
      what: 'mean cost of a completed task',
      ours: `$${(usd / succeeded).toFixed(4)}`,
      anchor: '–',
      ratio: '–',
      target: '< $0.10',
      met: usd / succeeded < 0.1,
    },
  ];
}

/** All 50 wait for the model at the same time. */
async function memoryRows(): Promise<BenchRow[]> {
  const {memory, view}: EditManyReport = await editMany({
    cli: 'pi',
    agents: AGENTS,
    files: AGENTS,
    latencyMs: 0,
    withinMs: WITHIN_MS,
    taskFor: file => ({
      prompt: `Think about it [task:${file}]\nWAIT 90000\nANSWER There is nothing to do.`,
      change: 'none',
    }),
  });
  const share = memory.godel / memory.agents;
  return [
    {
      what: `peak memory of godel’s own processes while ${view.tasks.succeeded} agents wait for the model (PSS)`,
      ours: megabytes(memory.godel),
      anchor: `${megabytes(memory.agents)} of the CLIs`,
      ratio: share.toFixed(2),
      target: '≤ 0.15',
      met: share <= 0.15,
    },
  ];
}

/** The time that the server spent on answers, all of them together. */
function servedMs(ledger: Ledger): number {
  return ledger.charges.reduce((sum, {status, tookMs}) => sum + (status === 200 ? tookMs : 0), 0);
}

function notMeasured(why: string): BenchRow {
  return {what: `not measured: ${why}`, ours: '–', anchor: '–', ratio: '–', target: '–', met: null};
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;
const megabytes = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`;

if (process.argv[1] === fileURLToPath(import.meta.url)) console.table(await agentsBench.run());
