import {resolve} from 'node:path';
import {type Command, Option} from 'commander';
import type {TokenAlgorithm} from '../hub/process/hub-keys.ts';
import {HUB_ROLES} from '../model/hub.ts';
import type {Cli, GlobalOptions} from './cli.ts';

export interface HubOptions extends GlobalOptions {
  readonly db: string;
}

/** Adds the option by which every command of a hub finds it. */
export function ofHub(command: Command): Command {
  return command.option('--db <file>', "the hub's database; its keys lie in a folder beside it", './hub-memory.db');
}

/** The absolute path that a path on the command line means. */
export function pathOf(cli: Cli, path: string): string {
  return resolve(cli.cwd, path);
}

export function algorithmOption(): Option {
  return new Option('--algorithm <name>', 'EdDSA: Ed25519; HS256: one secret signs and verifies').choices([
    'EdDSA',
    'HS256',
  ] satisfies readonly TokenAlgorithm[]);
}

export function roleOption(): Option {
  return new Option('--role <role>', 'what it may do').choices(HUB_ROLES).default('worker');
}

/** `2026-01-31 12:00` in local time. */
export function timeText(ms: number): string {
  return new Date(ms).toLocaleString('sv-SE').slice(0, 16);
}
