import type {AgentSettings} from '../model/agent-settings.ts';
import type {AgentRuntime, Detection, Environment} from './agent-runtime.ts';

type Load = (settings: AgentSettings) => Promise<AgentRuntime>;

/** Each is loaded when it is asked for: a host pays in memory, at every start of a child, for what it never uses. */
const LOADERS: Readonly<Record<string, Load>> = {
  claude: async settings => (await import('./claude.ts')).claudeRuntime(settings),
  codex: async settings => (await import('./codex.ts')).codexRuntime(settings),
  gemini: async settings => (await import('./gemini.ts')).geminiRuntime(settings),
  opencode: async settings => (await import('./opencode.ts')).opencodeRuntime(settings),
  pi: async settings => (await import('./pi.ts')).piRuntime(settings),
};

/** The runtimes for prompts: those that godel knows, then those of the configuration, which may not take their names. */
export function runtimeNames(settings: AgentSettings): readonly string[] {
  const custom = settings.runtimes.map(({name}) => name).filter(name => !Object.hasOwn(LOADERS, name));
  return [...Object.keys(LOADERS), ...custom];
}

/** The runtime of a name; null when there is none, `command` included: that one takes no prompts. */
export async function agentRuntime(name: string, settings: AgentSettings): Promise<AgentRuntime | null> {
  const load = Object.hasOwn(LOADERS, name) ? LOADERS[name] : undefined;
  if (load !== undefined) return load(settings);
  const custom = settings.runtimes.find(runtime => runtime.name === name);
  if (custom === undefined) return null;
  return custom.output === 'acp'
    ? (await import('./acp.ts')).acpRuntime({...custom, prices: settings.prices})
    : (await import('./custom.ts')).customRuntime(custom, settings);
}

export interface DetectedRuntime {
  readonly name: string;
  /** What one of it takes while it waits for its model; null: nobody has measured it. */
  readonly memoryBytes: number | null;
  readonly detection: Detection;
}

/** What there is on this machine, in the order of `runtimeNames`. Runs every CLI that it finds, all at once. */
export async function detectAll(env: Environment, settings: AgentSettings): Promise<readonly DetectedRuntime[]> {
  const found = await Promise.all(
    runtimeNames(settings).map(async (name): Promise<DetectedRuntime[]> => {
      const runtime = await agentRuntime(name, settings);
      if (runtime === null) return [];
      return [{name, memoryBytes: runtime.memoryBytes, detection: await runtime.detect(env)}];
    }),
  );
  return found.flat();
}
