import type {Command} from 'commander';
import {define, type Runner} from '../define.ts';

export function version(run: Runner): Command {
  return define('version', {
    summary: 'Show the version',
    examples: ['godel version', 'godel version --json'],
  }).action(() =>
    run(({print}) => {
      if (print.json === 'none')
        print.line(`godel ${GODEL_VERSION} (node ${process.versions.node}, ${process.platform} ${process.arch})`);
      else
        print.value({
          v: 1,
          version: GODEL_VERSION,
          node: process.versions.node,
          platform: process.platform,
          arch: process.arch,
        });
      return Promise.resolve('ok');
    }),
  );
}
