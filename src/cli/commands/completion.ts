import {Argument, type Command} from 'commander';
import type {Shell} from '../completion/shell-script.ts';
import {define, type Runner} from '../define.ts';

export const SHELLS = ['bash', 'zsh', 'fish'] as const satisfies readonly Shell[];

export function completion(run: Runner): Command {
  return define('completion', {
    summary: 'Print what makes a shell complete godel commands',
    description: `Commands, options, and what they take: teams, tasks and agents of the project (when its daemon runs), plan
files, names of runtimes.`,
    examples: [
      'godel completion bash > ~/.local/share/bash-completion/completions/godel',
      'source <(godel completion bash)',
      'godel completion zsh > "${fpath[1]}/_godel"',
      'godel completion fish > ~/.config/fish/completions/godel.fish',
    ],
  })
    .addArgument(new Argument('<shell>', 'for which shell').choices(SHELLS))
    .action((shell: Shell) =>
      run(async cli => {
        const {shellScript} = await import('../completion/shell-script.ts');
        const script = shellScript(shell);
        if (cli.print.json === 'none') cli.print.line(script.trimEnd());
        else cli.print.value({v: 1, shell, script});
        return 'ok';
      }),
    );
}

/** What the scripts of `completion` ask. */
export function complete(run: Runner, program: () => Command): Command {
  return define('complete', {
    summary: 'Answer a shell that completes a command line',
    examples: ['godel complete -- team ""'],
  })
    .argument('[word...]', 'the words of the command line up to the one that is to be completed')
    .option('--bash', 'the words are the line up to the cursor, and what bash takes for the last word')
    .action((words: readonly string[], {bash = false}: {readonly bash?: boolean}) =>
      run(async cli => {
        const {answerShell} = await import('../completion/answer-shell.ts');
        await answerShell(cli, {words, program: program(), bash});
        return 'ok';
      }),
    );
}
