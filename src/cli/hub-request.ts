import {resolve} from 'node:path';
import type {HubRequest} from '../api/contract.ts';
import type {Cli} from './cli.ts';

/** Which hub is meant, on the command line. */
export interface HubFlags {
  readonly hub?: string;
  readonly tenant?: string;
  readonly hubTokenFile?: string;
}

/** Null: nothing was said of it. */
export function hubRequestOf({cwd}: Cli, {hub, tenant, hubTokenFile}: HubFlags): HubRequest | null {
  if (hub === undefined && tenant === undefined && hubTokenFile === undefined) return null;
  return {
    ...(hub === undefined ? {} : {url: hub}),
    ...(tenant === undefined ? {} : {tenant}),
    ...(hubTokenFile === undefined ? {} : {tokenFile: resolve(cwd, hubTokenFile)}),
  };
}
