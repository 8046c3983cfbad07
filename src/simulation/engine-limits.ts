/** What the engine is told about limits in the simulation; the invariants go by the same numbers. */
export const LIMITS = {
  maxConflicts: 2,
  maxLosses: 4,
  /** A task that hangs more often than this fails. */
  maxHung: 3,
  /** A task that its provider turns away more often than this fails. */
  maxLimited: 100,
  firstCap: {usd: 0.25, tokens: 100_000},
} as const;

const MIB = 2 ** 20;
const OF_RUNTIME: Readonly<Record<string, number>> = {claude: 192 * MIB, codex: 96 * MIB, pi: 64 * MIB};

/** What is set aside for an attempt of a runtime (null: of a command), in bytes. */
export function memoryOf(runtime: string | null): number {
  if (runtime === null) return 16 * MIB;
  return OF_RUNTIME[runtime] ?? 448 * MIB;
}
