import type {Failure} from '../model/failure.ts';
import {API_VERSION, HEADERS} from './contract.ts';

/** What the daemon says of itself in every answer. */
export interface OurSide {
  readonly version: string;
  readonly projectId: string;
  readonly folder: string;
}

export function headersOf({version, projectId}: OurSide): Record<string, string> {
  return {[HEADERS.version]: version, [HEADERS.api]: String(API_VERSION), [HEADERS.project]: projectId};
}

/** Why this client is not served, or null: it means another project's daemon, or it speaks another API version. */
export function checkPeer(us: OurSide, header: (name: string) => string | undefined): Failure | null {
  const api = Number(header(HEADERS.api) ?? API_VERSION);
  if (api !== API_VERSION) {
    return {
      reason: 'daemon-incompatible',
      daemonVersion: us.version,
      ourVersion: header(HEADERS.version) ?? 'unknown',
      older: api > API_VERSION ? 'daemon' : 'client',
    };
  }
  const project = header(HEADERS.project);
  if (project === undefined || project === us.projectId) return null;
  return {
    reason: 'daemon-unreachable',
    detail: `The daemon behind this socket serves another project (${us.folder}).`,
    hint: 'Run the command inside the project, or start its daemon with `godel daemon start`.',
  };
}
