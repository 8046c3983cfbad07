import type {KeptMemory, Memory} from '../model/episode.ts';
import type {HubRole} from '../model/hub.ts';

/** What is asked of the project's memory under `/v1/memory`, and answered. `contract.ts` lists the routes. */

/** Most memories of one answer to a search. */
export const MAX_SEARCH = 100;
/** Longest text to search for, in characters. */
export const MAX_MEMORY_QUERY = 16 * 1024;
/** Most ids of one request to forget. */
export const MAX_FORGET_IDS = 100_000;
/** Most lines of one request to import. */
export const MAX_IMPORT_LINES = 1000;

/** The hub knows the whole memory and finds by meaning too; the cache is what of it is on this side. */
export type MemorySource = 'hub' | 'cache';

export interface MemorySearch {
  readonly query: string;
  /** At most so many; 5 unless it says otherwise. */
  readonly k?: number;
  /** All of them. */
  readonly tags?: readonly string[];
  readonly onlySuccess?: boolean;
  readonly explain?: boolean;
  /** Absent: the hub while it is connected and answers, else the cache. */
  readonly from?: MemorySource;
}

export interface MemoryView extends KeptMemory {
  /** When it was made: Unix epoch, milliseconds; null: its stamp is none. */
  readonly atMs: number | null;
}

export type FoundMemory = MemoryView & Memory;

export interface MemoryAnswer {
  readonly v: 1;
  readonly from: MemorySource;
  /** The best first. */
  readonly memories: readonly FoundMemory[];
}

export interface MemoryDraft {
  readonly task: string;
  readonly input?: string;
  readonly output?: string;
  readonly critique?: string;
  /** From 0 to 1. */
  readonly reward: number;
  /** Absent: whether the reward is 0.5 or more. */
  readonly success?: boolean;
  readonly tags?: readonly string[];
}

/**
 * What has become of a change at the hub. none: the project has no hub. kept: the hub has it on its disk. waiting: it is kept here, and
 * goes to the hub when that answers.
 */
export type AtHub = 'none' | 'kept' | 'waiting';

export interface AddedMemory {
  readonly v: 1;
  readonly id: string;
  readonly hub: AtHub;
  /** Something in it was, or looked like, a secret, and `***` was kept in its place; absent: nothing. */
  readonly masked?: true;
}

/** Those with these ids (or beginnings of them), or all that were made before and have the tag; at least one of the three. */
export interface ForgetRequest {
  readonly ids?: readonly string[];
  /** Unix epoch, milliseconds. */
  readonly beforeMs?: number;
  readonly tag?: string;
  /** Only says which they are. */
  readonly dry?: boolean;
}

export interface ForgetReport {
  readonly v: 1;
  readonly ids: readonly string[];
  /** The beginnings of the tasks of the first of them. */
  readonly tasks: readonly string[];
  readonly hub: AtHub;
}

export interface VoteRequest {
  readonly id: string;
  readonly value: 'up' | 'down';
}

export interface QuarantineRequest {
  readonly agent: string;
  /** Recalls them again. */
  readonly undo?: boolean;
}

export interface QuarantineReport {
  readonly v: 1;
  readonly agent: string;
  /** Those that were changed by this. */
  readonly ids: readonly string[];
  /** Those of the agent in all. */
  readonly episodes: number;
  readonly hub: AtHub;
}

export interface MemoryListQuery {
  /** Of the ids. */
  readonly prefix?: string;
  readonly limit?: number;
}

export interface MemoryExportQuery {
  /** `next` of the page before. */
  readonly after?: string;
  readonly limit?: number;
}

export interface MemoryPage {
  readonly v: 1;
  readonly from: MemorySource;
  /** `local`: not known to be at the hub; may come again on a page from there. */
  readonly local: boolean;
  readonly rows: readonly KeptMemory[];
  /** Null: that was the last page. */
  readonly next: string | null;
}

export interface MemoryImport {
  /** As `godel memory export` writes them. */
  readonly lines: readonly string[];
  /** Only looks for problems. */
  readonly dry?: boolean;
}

export interface MemoryImported {
  readonly v: 1;
  readonly added: number;
  /** Were here before, and are left as they are. */
  readonly known: number;
  /** Were forgotten at the hub, which does not take them back. */
  readonly forgotten: number;
  /** `line`: its place in the request, from 0. Those lines were left out. */
  readonly problems: readonly {readonly line: number; readonly message: string}[];
  readonly hub: AtHub;
}

export interface MemoryStats {
  readonly v: 1;
  /** What is on this side; with a hub, the latest of what is there. */
  readonly episodes: number;
  readonly active: number;
  readonly quarantined: number;
  /** That were on this side before somebody has forgotten them. */
  readonly forgotten: number;
  readonly succeeded: number;
  /** Null: there is none to take it of. */
  readonly successRate: number | null;
  readonly meanReward: number | null;
  readonly agents: number;
  /** With how many they have remembered, the most first; at most 20. */
  readonly topAgents: readonly {readonly agent: string; readonly episodes: number}[];
  readonly topTags: readonly {readonly tag: string; readonly episodes: number}[];
  /** At most 10. */
  readonly mostUsed: readonly {readonly id: string; readonly task: string; readonly uses: number}[];
  readonly file: string;
  /** On the disk, with what has not been written back yet; null: it cannot be seen. */
  readonly bytes: number | null;
  /** Episodes and changes that the hub has not taken yet, and episodes that it does not take. */
  readonly pending: number;
  readonly refused: number;
  /** Null: the project has none. */
  readonly hub: MemoryHubStats | null;
}

export interface MemoryHubStats {
  readonly connected: boolean;
  /** Null: it has not been found yet. */
  readonly url: string | null;
  /** As whom this project connects; null: not known while it has not been found. */
  readonly agentId: string | null;
  /** Null: not known while it is not connected, as all that follows but the position and the error. */
  readonly role: HubRole | null;
  readonly episodes: number | null;
  readonly agents: number | null;
  /** Episodes whose vectors are still to be made: until then they are found by their words alone. */
  readonly unembedded: number | null;
  /** The last position of its log up to which everything was seen here. */
  readonly position: number;
  readonly lastSyncAtMs: number | null;
  /** What went wrong last; null: nothing since the last sync. */
  readonly error: string | null;
}

/** The line of an export: an episode with its state. */
export function memoryLine({episode, state}: KeptMemory): string {
  return JSON.stringify({v: 1, episode, state});
}
