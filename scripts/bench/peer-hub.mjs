import {Server} from 'node:net';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';

/**
 * The hub of another package, as it lies in a folder, over a database in a file: `node peer-hub.mjs FOLDER DATABASE as-shipped|at-its-best`.
 * At its best, what it stores each episode in beside its database, and never sets, takes everything, and its database has a
 * write-ahead log that is flushed at each commit. It listens wherever it likes; here, on the loopback address.
 */
const [, , folder = '', file = '', how = ''] = process.argv;
const listen = Server.prototype.listen;
Server.prototype.listen = function (port, ...rest) {
  return listen.call(this, {port, host: '127.0.0.1'}, ...rest);
};
const {FederationHubServer} = await import(
  pathToFileURL(join(folder, 'package', 'dist', 'federation', 'FederationHubServer.js')).href
);
const hub = new FederationHubServer({port: 0, dbPath: file, maxAgents: 10_000});
if (how === 'at-its-best') {
  hub.agentDB = {storePattern: () => Promise.resolve(), close: () => Promise.resolve()};
  hub.db.pragma('journal_mode = WAL');
  hub.db.pragma('synchronous = FULL');
}
await hub.start();
process.on('message', () => {
  const {user, system} = process.cpuUsage();
  process.send?.((user + system) / 1e6);
});
process.once('disconnect', () => process.exit());
process.send?.(hub.server.address().port);
