import type {DatabaseSchema} from '../../../sqlite/schema-version.ts';
import {FIRST_SCHEMA} from './schema/001-first.ts';
import {OUTCOMES} from './schema/002-outcomes.ts';
import {CRITIQUES} from './schema/003-critiques.ts';
import {MERGED} from './schema/004-merged.ts';
import {TAGS} from './schema/005-tags.ts';

/** The hub's database: "gdh1" in ASCII. */
export const HUB_SCHEMA: DatabaseSchema = {
  applicationId: 0x67646831,
  migrations: [FIRST_SCHEMA, OUTCOMES, CRITIQUES, MERGED, TAGS],
};

export const HUB_BUSY_HINT =
  'Only one hub may use a database at a time: end the other one, or give this one a file of its own.';

/** Positions of a tenant are below this, and so is the number of tenants below 2^21: keys are exact as numbers. */
const SPAN = 2 ** 32;
export const LAST_POSITION = SPAN - 1;

export function entryKey(tenant: number, position: number): number {
  return tenant * SPAN + position;
}

export function tenantOf(key: number): number {
  return Math.floor(key / SPAN);
}

export function positionOf(key: number): number {
  return key % SPAN;
}

/**
 * A row is an episode, a change, or what is left of either once the episode is forgotten. Then the episode's row has the change
 * that forgot it, and the rows of its changes have nothing.
 */
export const KIND = {episode: 0, change: 1, forgotten: 2} as const;
