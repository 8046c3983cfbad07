import type {HubRole} from '../../model/hub.ts';
import type {IssuedToken} from '../security/issued-tokens.ts';
import {SecurityManager} from '../security/security-manager.ts';
import {hubFolder, hubIdOf} from '../server/parts/hub-folder.ts';
import {told} from './hub-failure.ts';

export interface TokenWanted {
  readonly agentId: string;
  readonly tenantId: string;
  readonly role: HubRole;
  /** Milliseconds. */
  readonly lifetimeMs: number;
}

/** A token of the hub over this database (absolute), whether it runs or not. Rejects with a `GodelError`. */
export function issueToken(
  dbPath: string,
  {agentId, tenantId, role, lifetimeMs}: TokenWanted,
): Promise<IssuedToken & {readonly token: string}> {
  const folder = hubFolder(dbPath);
  return told({where: folder.path}, () => {
    const security = SecurityManager.open(folder.tokens, {hubId: hubIdOf(folder)});
    return security.issueToken({agentId, tenantId}, {role, expiresIn: lifetimeMs});
  });
}
