import {readdirSync} from 'node:fs';
import {join} from 'node:path';
import {ok} from '../src/base/result.ts';
import {FederationHubServer} from '../src/hub/server/federation-hub-server.ts';
import type {HubLimits} from '../src/hub/server/hub-limits.ts';
import type {Usage} from './hub-child.ts';

/** The hub over a database in a folder, as `HubChild` starts it. */
const [, , folder = '', limits = '{}'] = process.argv;
const mistakes: string[] = [];
const hub = new FederationHubServer({
  port: 0,
  dbPath: join(folder, 'hub.db'),
  embedder: {kind: 'hashed'},
  // Those that `HubChild` was given.
  limits: JSON.parse(limits) as Partial<HubLimits>,
  onEvent: event => {
    if (event.kind === 'unexpected') mistakes.push(event.error instanceof Error ? (event.error.stack ?? '') : '?');
  },
  auth: {
    verify: token => {
      const [tenantId = '', agentId = ''] = token.split(' ');
      return Promise.resolve(ok({agentId, tenantId, role: 'worker', tokenId: token, expiresAtMs: Date.now() + 1e9}));
    },
    recheck: identity => ok(identity),
  },
});
await hub.start();
process.on('message', () => {
  const {user, system} = process.cpuUsage();
  const {rss} = process.memoryUsage();
  globalThis.gc?.();
  process.send?.({
    cpuS: (user + system) / 1e6,
    rssMb: rss / 2 ** 20,
    heapMb: process.memoryUsage().heapUsed / 2 ** 20,
    files: readdirSync('/proc/self/fd').length,
    resources: process.getActiveResourcesInfo().length,
    mistakes: mistakes.splice(0),
  } satisfies Usage);
});
process.once('disconnect', () => void hub.stop());
process.send?.(hub.address?.port);
