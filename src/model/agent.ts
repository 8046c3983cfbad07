/** `starting` until its live host has acknowledged it and its runtime has answered a probe. */
export type AgentState = 'starting' | 'idle' | 'busy' | 'gone';
