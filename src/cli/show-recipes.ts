import {similarTo} from '../base/similar.ts';
import type {ExitKind} from '../model/exit-code.ts';
import {GodelError} from '../model/failure.ts';
import {didYouMean} from '../model/failure-text.ts';
import {RECIPES} from '../plan/recipes/recipes.ts';
import type {Cli} from './cli.ts';

/** All recipes, a line each, or one as the plan file that it is. */
export function showRecipes({print}: Cli, name: string | undefined): Promise<ExitKind> {
  if (name === undefined) showAll(print);
  else showOne(print, name);
  return Promise.resolve('ok');
}

function showAll(print: Cli['print']): void {
  if (print.json !== 'none') {
    print.value({v: 1, recipes: RECIPES.map(({name, summary}) => ({name, summary}))});
    return;
  }
  const width = Math.max(...RECIPES.map(({name}) => name.length));
  for (const {name, summary} of RECIPES) print.line(`${name.padEnd(width)}  ${summary}`);
}

function showOne(print: Cli['print'], name: string): void {
  const recipe = RECIPES.find(each => each.name === name);
  if (!recipe) {
    const names = RECIPES.map(each => each.name);
    const [near] = similarTo(name, names);
    const hint = near === undefined ? `There are ${names.join(', ')}.` : didYouMean([near]);
    throw new GodelError({reason: 'usage', message: `There is no recipe ${name}`, hint});
  }
  if (print.json === 'none') print.line(recipe.yaml.trimEnd());
  else print.value({v: 1, ...recipe});
}
