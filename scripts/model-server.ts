/**
 * Starts the scripted model server by hand, until it is interrupted:
 *
 *   npx tsx scripts/model-server.ts [--concurrent 10] [--retry-after 1] [--latency 50] [--fault-rate 0.1 --faults throttled,cut]
 *
 * The first line it prints is JSON: its url, and for each CLI the model and the environment that lead it here. It answers
 * `GET /ledger` with all that was billed and cuts hanging answers at `GET /release`.
 */
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {CLIS, setUpFor} from '../test/model-server/cli-set-up.ts';
import {FAULT_KINDS} from '../test/model-server/fault.ts';
import {ModelServer} from '../test/model-server/model-server.ts';

const {values} = parseArgs({
  options: {
    concurrent: {type: 'string'},
    'retry-after': {type: 'string', default: '1'},
    latency: {type: 'string', default: '0'},
    'fault-rate': {type: 'string', default: '0'},
    faults: {type: 'string', default: 'throttled,overloaded,cut,garbage'},
    seed: {type: 'string', default: '1'},
  },
});

const kinds = values.faults.split(',').map(word => {
  const kind = FAULT_KINDS.find(known => known === word);
  if (kind === undefined) throw new Error(`no such fault: ${word} (there are ${FAULT_KINDS.join(', ')})`);
  return {kind};
});
const server = await ModelServer.start({
  latencyMs: Number(values.latency),
  faults: {rate: Number(values['fault-rate']), seed: Number(values.seed), of: kinds},
  ...(values.concurrent === undefined
    ? {}
    : {throttle: {concurrent: Number(values.concurrent), retryAfter: Number(values['retry-after'])}}),
});
const folder = mkdtempSync(join(tmpdir(), 'godel-model-server-'));
const clis = Object.fromEntries(CLIS.map(cli => [cli, setUpFor(cli, server.url, folder)]));
console.log(JSON.stringify({url: server.url, pid: process.pid, clis}));

const end = (): void => {
  rmSync(folder, {recursive: true, force: true});
  void server.close();
};
process.once('SIGINT', end);
process.once('SIGTERM', end);
