import {addTests} from './add-tests.ts';
import {documentCode} from './document.ts';
import {fixLint} from './fix-lint.ts';
import {migrate} from './migrate.ts';
import type {Recipe} from './recipe.ts';
import {refactor} from './refactor.ts';
import {review} from './review.ts';

export const RECIPES: readonly Recipe[] = [refactor, migrate, addTests, fixLint, documentCode, review];
