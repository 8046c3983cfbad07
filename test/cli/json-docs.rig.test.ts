import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {expectSameShape} from '../docs/same-shape.ts';
import {Rig} from '../rig/rig.ts';

const TEXT = readFileSync(join(import.meta.dirname, '..', '..', 'docs', 'json.md'), 'utf8');

interface Example {
  readonly command: string;
  readonly answer: string;
}

/** Every command of the page with the block that follows it. */
const EXAMPLES: readonly Example[] = [...TEXT.matchAll(/```sh\n(godel .*)\n```\n\n```(?:json)?\n([\s\S]*?)```/g)].map(
  ([, command = '', answer = '']) => ({command, answer}),
);

test('every example of docs/json.md prints what the page says, in the order of the page', async () => {
  await using rig = await Rig.create();
  rig.writePlan(/```yaml\n([\s\S]*?)```/.exec(TEXT)?.[1] ?? '');
  expect(EXAMPLES.length).toBeGreaterThan(12);
  for (const {command, answer} of EXAMPLES) {
    const {stdout, stderr} = await rig.godel(command.split(' ').slice(1));
    const lines = stdout.trimEnd().split('\n');
    const documented = command.includes('--json=lines') ? answer.trimEnd().split('\n') : [answer];
    if (!command.includes('--json=lines')) expect(lines, `${command}\n${stderr}`).toHaveLength(1);
    expectSameShape(JSON.parse(lines[0] ?? ''), JSON.parse(documented[0] ?? ''), command);
    expectSameShape(JSON.parse(lines.at(-1) ?? ''), JSON.parse(documented.at(-1) ?? ''), command);
  }
});
