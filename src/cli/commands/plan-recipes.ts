import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';

export function planRecipes(run: Runner): Command {
  return define('recipes', {
    summary: 'List plans for common work, or show one',
    description: 'A recipe is a plan file with inputs: use it as it is, or change it first.',
    examples: [
      'godel plan recipes',
      'godel plan recipes refactor > refactor.yaml',
      'godel team spawn --count 8 --plan refactor.yaml --input "goal=no callbacks"',
    ],
  })
    .argument('[name]', 'the recipe to show')
    .action((name: string | undefined) =>
      run(async cli => {
        const {showRecipes} = await import('../show-recipes.ts');
        return showRecipes(cli, name);
      }),
    );
}
