import type {AgentEvents, AgentRequest} from './agent-runtime.ts';
import type {PriceOverrides} from './prices.ts';

/** What one prompt over the Agent Client Protocol is about. */
export interface AcpContext {
  readonly request: AgentRequest;
  readonly events: AgentEvents;
  /** Its name, for prices. */
  readonly runtime: string;
  readonly prices: PriceOverrides;
  /** The model was chosen on its command line, and need not be set. */
  readonly modelByCommand: boolean;
}
