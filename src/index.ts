/** What other programs can use of godel without its daemon; docs/library.md and docs/hub-client.md show each. */
export {AgentSelector} from './federation/agent-selector.ts';
export {AutoScaler} from './federation/auto-scaler.ts';
export {HEALTH_DEFAULTS, HealthMonitor} from './federation/health-monitor.ts';
export {LoadBalancer} from './federation/load-balancer.ts';
export {WeightedStrategy} from './federation/strategies/weighted.ts';
export {TaskDecomposer} from './federation/task-decomposer.ts';
export * as resolver from './plan/dependency-resolver.ts';
export * from './hub/client/library.ts';
