import type {Command} from 'commander';
import {formatDuration} from '../../base/duration.ts';
import {define, type Runner} from '../define.ts';
import type {TokenAlgorithm} from '../../hub/process/hub-keys.ts';
import {algorithmOption, type HubOptions, ofHub, pathOf, timeText} from '../hub-options.ts';
import {duration} from '../option-values.ts';

interface Options extends HubOptions {
  readonly algorithm?: TokenAlgorithm;
  readonly grace?: number;
  readonly now?: boolean;
}

export function hubTokenRotate(run: Runner): Command {
  return ofHub(
    define('rotate', {
      summary: 'Sign tokens with a new key from now on',
      description: `Tokens signed by older keys are good until they expire, for --grace at most. --now refuses them all at once, for when a
key may have been stolen. Without --algorithm the new key is of the same kind as the one before.`,
      examples: [
        'godel hub token rotate',
        'godel hub token rotate --grace 1d',
        'godel hub token rotate --now',
        'godel hub token rotate --algorithm HS256',
      ],
    }),
  )
    .addOption(algorithmOption())
    .option('--grace <duration>', 'how long older tokens are taken; default: until they expire', duration('--grace'))
    .option('--now', 'refuse all older tokens at once')
    .action((_options: object, command: Command) =>
      run(async cli => {
        const {db, grace, now = false, algorithm} = command.optsWithGlobals<Options>();
        const {HubKeys} = await import('../../hub/process/hub-keys.ts');
        const key = await new HubKeys(pathOf(cli, db)).rotateTokenKey(now ? 0 : (grace ?? null), algorithm);
        if (cli.print.json !== 'none') cli.print.value({v: 1, key});
        else {
          cli.print.line(
            `Tokens are signed by the key ${key.id} (${key.algorithm}) since ${timeText(key.createdAtMs)}.`,
          );
          if (now) cli.print.line('All older tokens are refused.');
          else if (grace !== undefined) cli.print.line(`Older tokens are taken for ${formatDuration(grace)} more.`);
        }
        return 'ok';
      }),
    );
}
