import {MAX_HELLO_BYTES, MAX_PULL_ENTRIES} from '../../wire/hub-protocol.ts';

/** What one hub takes. Every limit has its own error, see docs/hub-protocol.md. */
export interface HubLimits {
  /** From the TCP connection to a good hello, in milliseconds; traffic does not extend it. */
  readonly helloMs: number;
  /** Bytes a connection may send before it is admitted. */
  readonly helloBytes: number;
  /** Connections that have not been admitted yet, in all and of one address. */
  readonly waiting: number;
  readonly waitingPerAddress: number;
  /** Agents connected, in all, of one tenant and of one address. */
  readonly agents: number;
  readonly agentsPerTenant: number;
  readonly agentsPerAddress: number;
  /** Of one connection: frames, and bytes with all that carries them. */
  readonly framesPerS: number;
  readonly framesBurst: number;
  readonly bytesPerS: number;
  readonly bytesBurst: number;
  /** Frames refused as too fast in a row before the connection is closed. */
  readonly refusedInARow: number;
  /** Bad frames before the connection is closed. */
  readonly strikes: number;
  /** Bytes of answers that may wait for one connection; beyond it nothing more is read from it. */
  readonly backlogBytes: number;
  /** Bytes and frames that may wait for one connection before it is no longer told news, but to pull. */
  readonly newsBacklogBytes: number;
  readonly newsBacklogFrames: number;
  readonly pullEntries: number;
  readonly pullBytes: number;
  /** Of one message, as JSON. */
  readonly messageBytes: number;
  /** Messages to everybody that wait for one slow connection. */
  readonly queuedMessages: number;
  readonly queuedBytes: number;
  /** Direct messages kept until they have been taken in: of one agent, and bytes in all. */
  readonly keptMessages: number;
  readonly keptBytesPerAgent: number;
  readonly keptBytes: number;
  readonly keptMs: number;
  /** Agents that are remembered as known after they have gone. */
  readonly knownAgents: number;
  /** Ids of messages of one tenant that are remembered, so that one sent again is not delivered again. */
  readonly messageIds: number;
  /** In a tenant with more agents than that, who comes and goes is not told, only answered to `who`. */
  readonly presenceAudience: number;
  /** Recalls of one connection at work at the same time. */
  readonly recallsAtOnce: number;
  /** How long after its token has expired a connection may still send a new one, in milliseconds. */
  readonly refreshGraceMs: number;
  /** A peer that is silent for so long, in milliseconds, is lost. */
  readonly deadAfterMs: number;
  readonly documentsPerTenant: number;
  readonly documentsPerAgent: number;
  readonly documentBytes: number;
  readonly documentBytesPerTenant: number;
  readonly documentBytesInAll: number;
}

const MIB = 1024 * 1024;

export const HUB_LIMITS: HubLimits = {
  helloMs: 5000,
  helloBytes: MAX_HELLO_BYTES,
  waiting: 2000,
  waitingPerAddress: 1000,
  agents: 10_000,
  agentsPerTenant: 10_000,
  agentsPerAddress: 10_000,
  framesPerS: 5000,
  framesBurst: 10_000,
  bytesPerS: 32 * MIB,
  bytesBurst: 64 * MIB,
  refusedInARow: 100,
  strikes: 3,
  backlogBytes: MIB,
  newsBacklogBytes: 256 * 1024,
  newsBacklogFrames: 500,
  pullEntries: MAX_PULL_ENTRIES,
  pullBytes: MIB,
  messageBytes: 256 * 1024,
  queuedMessages: 1000,
  queuedBytes: MIB,
  keptMessages: 1000,
  keptBytesPerAgent: MIB,
  keptBytes: 64 * MIB,
  keptMs: 300_000,
  knownAgents: 20_000,
  messageIds: 10_000,
  presenceAudience: 2000,
  recallsAtOnce: 8,
  refreshGraceMs: 30_000,
  deadAfterMs: 4800,
  documentsPerTenant: 1000,
  documentsPerAgent: 100,
  documentBytes: 4 * MIB,
  documentBytesPerTenant: 32 * MIB,
  documentBytesInAll: 256 * MIB,
};

/** The given limits over the usual ones. Throws RangeError on one that is not a positive number. */
export function hubLimits(given: Partial<HubLimits>): HubLimits {
  const limits = {...HUB_LIMITS, ...given};
  for (const [name, value] of Object.entries(limits)) {
    if (!(Number.isFinite(value) && value > 0)) {
      throw new RangeError(`limits.${name} is ${value}; expected a number above 0`);
    }
  }
  return limits;
}
