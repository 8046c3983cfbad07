import type {AgentSettings} from '../model/agent-settings.ts';

const MIB = 1024 * 1024;

/** What one of each takes while it waits for its model, as measured; apart from the runtimes, so that none has to be loaded for it. */
export const MEMORY_BYTES = {
  claude: 182 * MIB,
  codex: 148 * MIB,
  gemini: 281 * MIB,
  opencode: 469 * MIB,
  pi: 96 * MIB,
} as const;

/** The same by name, those of the configuration included; null: nobody has measured it, or it is no runtime. */
export function memoryBytesOf(name: string, {runtimes}: Pick<AgentSettings, 'runtimes'>): number | null {
  const known = Object.entries(MEMORY_BYTES).find(([runtime]) => runtime === name)?.[1];
  return known ?? runtimes.find(runtime => runtime.name === name)?.memoryBytes ?? null;
}
