import {existsSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import {Rig} from '../../rig/rig.ts';
import {hasShell, InteractiveShell} from './interactive-shell.ts';

/** What a shell would run, split or end a quote at, if it took it for more than a name. */
const ODD = `it's "a" $(touch pwned) \`touch pwned\`; touch pwned`;

let rig: Rig;

beforeAll(async () => {
  rig = await Rig.create();
  writeFileSync(join(rig.folder, 'godel.yaml'), 'version: 1\ntasks: {a: {run: "true"}}\n');
  const tasks = {
    check: {foreach: ['a b', 'x:y'], run: 'true'},
    build: {run: 'sleep 600'},
  };
  await rig.spawn({name: ODD, count: 2, plan: {version: 1, tasks}});
  await rig.spawn({name: 'plain', count: 2});
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

describe.each(['bash', 'zsh', 'fish'] as const)('%s', shell => {
  test.skipIf(!hasShell(shell))('completes commands, options, their values, and what the project has', async () => {
    await using terminal = await InteractiveShell.open(rig, shell);
    expect(await terminal.run('godel tea\tsca\tpla\t--autos\tof\t')).toEqual([
      'team',
      'scale',
      'plain',
      '--autoscale',
      'off',
    ]);
    expect(await terminal.run('godel plan che\tgodel.y\t')).toEqual(['plan', 'check', 'godel.yaml']);
    expect(await terminal.run('godel team spawn --plan=godel.y\t')).toEqual(['team', 'spawn', '--plan=godel.yaml']);
    expect(await terminal.run('godel team scale --autoscale=of\t')).toEqual(['team', 'scale', '--autoscale=off']);
    expect(await terminal.run('godel agent kill plain-01\t')).toEqual(['agent', 'kill', 'plain-01']);
    expect(await terminal.run('godel agent restart plai\t2\t')).toEqual(['agent', 'restart', 'plain-02']);
  });

  test.skipIf(!hasShell(shell))('takes every name for a name, however it looks', async () => {
    await using terminal = await InteractiveShell.open(rig, shell);
    expect(await terminal.run('godel team status it\t')).toEqual(['team', 'status', ODD]);
    expect(await terminal.run('godel team logs it\tcheck\\[a\t')).toEqual(['team', 'logs', ODD, 'check[a b]']);
    expect(await terminal.run('godel team explain it\tcheck\\[x\t')).toEqual(['team', 'explain', ODD, 'check[x:y]']);
    expect(await terminal.run('godel team logs "it\t')).toEqual(['team', 'logs', ODD]);
    await terminal.run('godel team status $(touch pwned)\t');
    expect(existsSync(join(rig.folder, 'pwned')), 'the shell itself ran what was typed, when it was entered').toBe(
      true,
    );
  });
});
