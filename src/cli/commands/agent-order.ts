import type {Command} from 'commander';
import type {AgentOrder} from '../../api/contract.ts';
import type {GlobalOptions} from '../cli.ts';
import {define, type Definition, type Runner} from '../define.ts';

interface Options extends GlobalOptions {
  readonly team?: string;
}

/** `agent kill`, `agent drain` and `agent restart`: the same request for one agent. */
export function agentOrders(run: Runner): readonly Command[] {
  return [
    agentOrder(run, 'kill', {
      summary: 'End an agent at once',
      description: `What it is at work on is stopped and given to another agent. The team has one agent less, unless it
scales by itself.`,
      examples: ['godel agent kill audit-03', 'godel agent kill audit-03 --team audit'],
    }),
    agentOrder(run, 'drain', {
      summary: 'Give an agent nothing more, and end it when what it is at work on is done',
      examples: ['godel agent drain audit-03', 'godel agent drain audit-03 --json'],
    }),
    agentOrder(run, 'restart', {
      summary: 'End an agent and start it anew, with nothing held against it',
      description: `What it is at work on is stopped and given to another agent. What was learned of it and its breaker are
forgotten, and one that was parked because its runtime died is tried again.`,
      examples: ['godel agent restart audit-03'],
    }),
  ];
}

function agentOrder(run: Runner, what: AgentOrder['what'], definition: Definition): Command {
  return define(what, definition)
    .argument('<id>', 'the agent as `team agents` shows it')
    .option('--team <name>', 'its team; else the one that has it')
    .action((id: string, _options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {openProject} = await import('../connect.ts');
        const {orderAgent} = await import('../order-agent.ts');
        return orderAgent(cli, openProject(cli, options), {agent: id, what, team: options.team});
      }),
    );
}
