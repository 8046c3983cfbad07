import {existsSync} from 'node:fs';
import {expect, test} from 'vitest';
import {pages} from './pages.ts';

const REPOSITORY = new URL('../../', import.meta.url);

test.each(pages().map(page => [page.path, page] as const))(
  'every link of %s into the repository leads somewhere',
  (path, {text}) => {
    const targets = [...text.matchAll(/\]\((?!https?:|#)([^)#\s]+)/g)].map(match => match[1]!);
    const dead = targets.filter(target => !existsSync(new URL(target, new URL(path, REPOSITORY))));
    expect(dead).toEqual([]);
  },
);
