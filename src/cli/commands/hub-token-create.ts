import type {Command} from 'commander';
import type {TokenAlgorithm} from '../../hub/process/hub-keys.ts';
import type {HubRole} from '../../model/hub.ts';
import {define, type Runner} from '../define.ts';
import {algorithmOption, type HubOptions, ofHub, pathOf, roleOption, timeText} from '../hub-options.ts';
import {duration} from '../option-values.ts';

interface Options extends HubOptions {
  readonly agent: string;
  readonly tenant: string;
  readonly role: HubRole;
  /** Milliseconds. */
  readonly expiresIn?: number;
  readonly new?: true;
  readonly algorithm?: TokenAlgorithm;
}

const DEFAULT_LIFETIME_MS = 3_600_000;

export function hubTokenCreate(run: Runner): Command {
  return ofHub(
    define('create', {
      summary: 'Make a token with which an agent connects to the hub',
      description: `Who has it is that agent, until it expires or is revoked; it is shown once and kept nowhere. The token alone is
printed to standard output. --algorithm is for --new: a hub that has keys signs by the youngest of them.`,
      examples: [
        'godel hub token create --agent pi-07 --tenant acme',
        'godel hub token create --agent lead --tenant acme --role coordinator --expires-in 7d',
        'HUB_TOKEN=$(godel hub token create --agent pi-07 --tenant acme)',
      ],
    }),
  )
    .requiredOption('--agent <name>', 'who it is for')
    .requiredOption('--tenant <name>', 'whose memory it opens')
    .addOption(roleOption())
    .option('--new', 'make the keys of a hub that was not started yet, where there is none')
    .addOption(algorithmOption())
    .option('--expires-in <duration>', 'from 1s to 90d; default: 1h', duration('--expires-in'))
    .action((_options: object, command: Command) =>
      run(async cli => {
        const options = command.optsWithGlobals<Options>();
        const {HubKeys} = await import('../../hub/process/hub-keys.ts');
        const {agent: agentId, tenant: tenantId, role, expiresIn: lifetimeMs = DEFAULT_LIFETIME_MS} = options;
        const {new: isNew = false, algorithm} = options;
        const keys = new HubKeys(pathOf(cli, options.db));
        const made = await keys.createToken({agentId, tenantId, role, lifetimeMs}, {isNew, algorithm});
        if (cli.print.json !== 'none') cli.print.value({v: 1, ...made});
        else {
          cli.print.line(made.token);
          const {formatDuration} = await import('../../base/duration.ts');
          const ends = `ends in ${formatDuration(lifetimeMs)}, ${timeText(made.expiresAtMs)}`;
          cli.print.note(`Token ${made.tokenId} of ${agentId} (${tenantId}, ${role}) ${ends}.`);
          if (options.expiresIn === undefined)
            cli.print.note('For a team that runs longer, or a project, say for how long: --expires-in 30d.');
        }
        return 'ok';
      }),
    );
}
