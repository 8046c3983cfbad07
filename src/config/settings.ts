import type {MemoryMode} from '../model/memory.ts';
import {DEFAULT_EJECTION} from '../model/ejection.ts';
import {DEFAULT_SPECULATE} from '../model/speculate.ts';
import type {StrategyName, Weights} from '../model/strategy.ts';

/** Everything a user can set, with its value in use. Read by `config/load-settings.ts`, from there passed on as values. */
export interface Settings {
  /** Most agents a team may have. */
  readonly maxAgents: number;
  /** First and longest delay before another attempt, in milliseconds. */
  readonly retryBaseMs: number;
  readonly retryMaxMs: number;
  /** How long hosts keep working without a daemon, in milliseconds. */
  readonly hostGraceMs: number;
  /** How long a silent host may stay away before the daemon ends its process, in milliseconds. */
  readonly hostLostMs: number;
  /** From SIGTERM to SIGKILL, in milliseconds. */
  readonly killGraceMs: number;
  /** The log of one attempt is cut after this many bytes. */
  readonly logCapBytes: number;
  /** A declared output (`outputs:`) larger than this fails the attempt. */
  readonly outputCapBytes: number;
  /** Process starts in flight on a host at a time. */
  readonly spawnConcurrency: number;
  /** A daemon with no team running and no client for this long ends itself, in milliseconds. */
  readonly idleShutdownMs: number;
  /** Most attempts that may run at a time on this machine for this user; null: as memory allows. */
  readonly maxRunning: number | null;
  /** No attempt is started while less is free, in bytes. */
  readonly minFreeMemoryBytes: number;
  readonly minFreeDiskBytes: number;
  /** Memory set aside for an attempt when admission counts how many fit, in bytes. */
  readonly memoryPerAttemptBytes: number;
  /** Events kept in the journal. */
  readonly keepEvents: number;
  /** Teams that are over and kept with their logs and outputs; beyond that the oldest go. */
  readonly keepTeams: number;
  /** Reserved from a budget for an attempt of which nobody knows yet what its like costs: USD, and tokens. */
  readonly firstCostEstimateUsd: number;
  readonly firstTokenEstimate: number;
  /** Attempts to bring a change that conflicts together with the team's branch, before its task fails with its work kept. */
  readonly maxResolves: number;
  /** How deep teams may be that agents spawn, where they are allowed to at all. */
  readonly maxDepth: number;
  /** How teams choose their agents that are not told otherwise, by their plan or when they are spawned. */
  readonly strategy: StrategyName;
  /** With `weighted`; null: those that it has by itself. */
  readonly strategyWeights: Weights | null;
  /** When agents that fail are left out, in teams whose plan does not say so, see `Ejection`. */
  readonly ejectFailures: number;
  readonly ejectTimeMs: number;
  readonly ejectShare: number;
  readonly ejectIntervalMs: number;
  /** Whether teams remember that are not told otherwise, by their plan or when they are spawned. */
  readonly memory: MemoryMode;
  /** The hub of teams that are not told otherwise: `project` (which the daemon starts), `off`, or an address. */
  readonly hub: string;
  /** With an address: whose memory it is, and files with the token, who certifies the hub, and the certificate of ours. */
  readonly hubTenant: string | null;
  readonly hubTokenFile: string | null;
  readonly hubCa: string | null;
  readonly hubCert: string | null;
  readonly hubKey: string | null;
  /**
   * What the project's own hub finds by meaning with: `hashed` n-grams, the language `model`, `auto`: that where it is installed, or an
   * `endpoint`, which the others describe.
   */
  readonly hubEmbedder: string;
  readonly hubEmbedderUrl: string | null;
  readonly hubEmbedderModel: string | null;
  /** The name of the variable with its key. */
  readonly hubEmbedderKeyEnv: string | null;
  readonly hubEmbedderDimensions: number | null;
  /** Agents other than its own that must bear a memory out before the project's own hub gives it to them. */
  readonly hubQuorum: number;
  /** How long the project's own hub keeps memories, in milliseconds; null: for ever. */
  readonly hubKeepMs: number | null;
  /** What seals the project's own hub: a file, the name of a variable, or a command that prints it; at most one of them. */
  readonly hubMasterKeyFile: string | null;
  readonly hubMasterKeyEnv: string | null;
  readonly hubMasterKeyCommand: string | null;
  /** Memories that an attempt is given at most. */
  readonly memoryCount: number;
  /** How long an attempt waits for them at most, in milliseconds. */
  readonly memoryWaitMs: number;
  /** Second attempts of prompts, in teams whose plan does not say so, and which part of the budget is for them, see `Speculate`. */
  readonly speculatePrompts: 'on' | 'off';
  readonly speculateShare: number;
}

export const DEFAULT_SETTINGS: Settings = {
  maxAgents: 1000,
  retryBaseMs: 1000,
  retryMaxMs: 60_000,
  hostGraceMs: 60_000,
  hostLostMs: 30_000,
  killGraceMs: 5_000,
  logCapBytes: 10 * 1024 * 1024,
  outputCapBytes: 10 * 1024 * 1024,
  spawnConcurrency: 4,
  idleShutdownMs: 300_000,
  maxRunning: null,
  minFreeMemoryBytes: 256 * 1024 * 1024,
  minFreeDiskBytes: 256 * 1024 * 1024,
  memoryPerAttemptBytes: 32 * 1024 * 1024,
  keepEvents: 1_000_000,
  keepTeams: 100,
  firstCostEstimateUsd: 0.25,
  firstTokenEstimate: 200_000,
  maxResolves: 2,
  maxDepth: 1,
  strategy: 'weighted',
  strategyWeights: null,
  ejectFailures: DEFAULT_EJECTION.failures,
  ejectTimeMs: DEFAULT_EJECTION.timeMs,
  ejectShare: DEFAULT_EJECTION.share,
  ejectIntervalMs: DEFAULT_EJECTION.intervalMs,
  memory: 'on',
  hub: 'project',
  hubTenant: null,
  hubTokenFile: null,
  hubCa: null,
  hubCert: null,
  hubKey: null,
  hubEmbedder: 'hashed',
  hubEmbedderUrl: null,
  hubEmbedderModel: null,
  hubEmbedderKeyEnv: null,
  hubEmbedderDimensions: null,
  hubQuorum: 0,
  hubKeepMs: null,
  hubMasterKeyFile: null,
  hubMasterKeyEnv: null,
  hubMasterKeyCommand: null,
  memoryCount: 5,
  memoryWaitMs: 150,
  speculatePrompts: DEFAULT_SPECULATE.prompts ? 'on' : 'off',
  speculateShare: DEFAULT_SPECULATE.budgetShare,
};
