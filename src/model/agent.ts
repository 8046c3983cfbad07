/** How an agent does a task. Coding-agent CLIs join this union with their runtimes. */
export type RuntimeName = 'command';

/** `starting` until its live host has acknowledged it and its runtime has answered a probe. */
export type AgentState = 'starting' | 'idle' | 'busy' | 'gone';
