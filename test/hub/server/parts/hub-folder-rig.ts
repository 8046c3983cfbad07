import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {WebSocket} from 'ws';
import {
  FederationHubServer,
  type FederationHubServerOptions,
} from '../../../../src/hub/server/federation-hub-server.ts';
import type {HubEvent} from '../../../../src/hub/server/hub-parts.ts';
import type {HubRole} from '../../../../src/model/hub.ts';
import {HUB_PATH} from '../../../../src/wire/hub-protocol.ts';
import {RawClient} from '../hub-rig.ts';

/** A folder in which hubs are started one after the other, over the same database. */
export class HubFolderRig implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'godel-hub-'));
  readonly dbPath = join(this.folder, 'hub.db');
  readonly events: HubEvent[] = [];
  readonly #hubs: FederationHubServer[] = [];
  readonly #clients: RawClient[] = [];

  async start(options: FederationHubServerOptions = {}): Promise<FederationHubServer> {
    const hub = new FederationHubServer({
      port: 0,
      dbPath: this.dbPath,
      embedder: {kind: 'hashed'},
      // Tests say the same thing over and over.
      merge: false,
      onEvent: event => this.events.push(event),
      ...options,
    });
    this.#hubs.push(hub);
    await hub.start();
    return hub;
  }

  async join(
    hub: FederationHubServer,
    agentId: string,
    {tenantId = 't1', role = 'worker'}: {tenantId?: string; role?: HubRole} = {},
  ): Promise<RawClient> {
    const client = await this.open(hub);
    client.hello(await hub.security.generateToken(agentId, tenantId, {role}));
    await client.next('welcome');
    return client;
  }

  async open(hub: FederationHubServer): Promise<RawClient> {
    const client = new RawClient(
      new WebSocket(`ws://127.0.0.1:${hub.address?.port ?? 0}${HUB_PATH}`, {perMessageDeflate: false}),
    );
    this.#clients.push(client);
    await client.opened;
    return client;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const client of this.#clients) client.webSocket.terminate();
    for (const hub of this.#hubs) await hub.stop();
    rmSync(this.folder, {recursive: true, force: true});
  }
}
