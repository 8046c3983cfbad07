import {parseArgs} from 'node:util';
import {hostId, type HostId} from '../model/ids.ts';

export interface HostOptions {
  readonly projectFolder: string;
  readonly projectId: string;
  readonly socketPath: string;
  readonly storeId: string;
  readonly hostId: HostId;
}

/**
 *     node dist/host.js --project DIR --project-id ID --socket PATH --store-id ID --host-id ID
 *
 * All are required: DIR the project's folder (a lost daemon is started for it), PATH the daemon's socket, and the ids
 * of the project, of its store (part of the cookie of every attempt) and of this run of a host.
 */
export function parseHostOptions(argv: readonly string[]): HostOptions {
  const text = {type: 'string'} as const;
  const {values} = parseArgs({
    args: [...argv],
    options: {project: text, 'project-id': text, socket: text, 'store-id': text, 'host-id': text},
  });
  const required = (name: keyof typeof values): string => {
    const value = values[name];
    if (value === undefined || value === '') throw new Error(`--${name} is missing`);
    return value;
  };
  return {
    projectFolder: required('project'),
    projectId: required('project-id'),
    socketPath: required('socket'),
    storeId: required('store-id'),
    hostId: hostId(required('host-id')),
  };
}
