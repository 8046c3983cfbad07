import {accessSync, constants} from 'node:fs';
import {resolve} from 'node:path';
import type {HubRequest} from '../../api/contract.ts';
import {isLoopback} from '../../base/loopback.ts';
import {fail, ok, type Result} from '../../base/result.ts';
import type {Settings} from '../../config/settings.ts';
import type {Failure} from '../../model/failure.ts';
import type {RemoteHub} from '../../model/memory.ts';

export type HubSettings = Pick<Settings, 'hub' | 'hubTenant' | 'hubTokenFile' | 'hubCa' | 'hubCert' | 'hubKey'>;

/** What `hub` may say for the project's own memory: with the hub that its daemon starts, or without any. */
const OWN: readonly string[] = ['project', 'off'];

/** The hub of a team: what was asked for over what is configured, whose paths begin at the project's folder. Null: the project's own. */
export function hubChoice(
  asked: HubRequest | undefined,
  {settings, folder}: {readonly settings: HubSettings; readonly folder: string},
): Result<RemoteHub | null, Failure> {
  const url = asked?.url ?? settings.hub;
  const {hubCa: ca, hubCert: cert, hubKey: key} = settings;
  if (OWN.includes(url)) {
    if (asked?.url === 'off')
      return refused('--hub off is for the configuration', 'Use --no-memory, or `hub: off` there.');
    if (asked?.tenant === undefined && asked?.tokenFile === undefined) return ok(null);
    return refused(
      `--tenant and --hub-token-file are for another hub, and the hub is ${url}`,
      'Give its address with --hub.',
    );
  }
  const tenantId = asked?.tenant ?? settings.hubTenant;
  if (tenantId === null) return refused(`The hub ${url} needs --tenant`, 'Say whose memory it is, as its token does.');
  const tokenFile = asked?.tokenFile ?? settings.hubTokenFile;
  if (tokenFile === null) {
    const made = `godel hub token create --agent NAME --tenant ${tenantId} --role coordinator`;
    return refused(
      `The hub ${url} needs --hub-token-file`,
      `Have one made at the hub with \`${made}\`, and keep it in a file.`,
    );
  }
  const problem = addressProblem(url);
  if (problem !== null) return refused(problem);
  try {
    accessSync(resolve(folder, tokenFile), constants.R_OK);
  } catch (error) {
    return refused(`The token for the hub cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
  return ok({
    url,
    tenantId,
    tokenFile: resolve(folder, tokenFile),
    ...(ca === null ? {} : {caPath: resolve(folder, ca)}),
    ...(cert === null ? {} : {certPath: resolve(folder, cert)}),
    ...(key === null ? {} : {keyPath: resolve(folder, key)}),
  });
}

/** The client says the rest, which is loaded when there is something to connect to. */
function addressProblem(url: string): string | null {
  if (/^quic:/i.test(url)) {
    return 'quic:// is not spoken here, as Node has no stable QUIC: use wss:// with client certificates (hub-cert, hub-key, hub-ca)';
  }
  if (URL.canParse(url) && /^wss?:\/\//i.test(url)) {
    const isPlain =
      /^ws:/i.test(url) && !isLoopback(new URL(url).hostname) && process.env['GODEL_HUB_PLAINTEXT'] !== '1';
    return isPlain ? `${url} would be read by everybody on the way, the token too: use wss://` : null;
  }
  return `${JSON.stringify(url)} is no address of a hub: use wss://host:port, or ws://127.0.0.1:port on this machine`;
}

function refused(message: string, hint?: string): Result<never, Failure> {
  return fail({reason: 'usage', message, ...(hint === undefined ? {} : {hint})});
}
