import type {DatabaseSchema} from '../../sqlite/schema-version.ts';
import {FIRST_SCHEMA} from './schema/001-first.ts';
import {AGENTS_SCHEMA} from './schema/002-agents.ts';
import {TEAMS_SCHEMA} from './schema/003-teams.ts';
import {TWINS_SCHEMA} from './schema/004-twins.ts';

/** Marks the file as a godel store: "gdl1" in ASCII. */
export const APPLICATION_ID = 0x67646c31;

export const STORE_SCHEMA: DatabaseSchema = {
  applicationId: APPLICATION_ID,
  migrations: [FIRST_SCHEMA, AGENTS_SCHEMA, TEAMS_SCHEMA, TWINS_SCHEMA],
};
