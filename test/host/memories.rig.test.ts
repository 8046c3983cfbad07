import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {AgentRig} from './agent-rig.ts';
import {HostRig} from './host-rig.ts';

const SUCCESS = {result: {ok: true}};
const memories = [
  {id: 'a', task: 'build', input: '', output: 'ok', critique: null, reward: 1, success: true, tags: ['command']},
];

function saidOf(host: HostRig, attempt: number): string | undefined {
  for (const report of host.daemon.reports.values()) {
    if (report.type === 'attempt-finished' && report.attempt === attempt) return report.said;
  }
  return undefined;
}

test('a command finds what others have learned in a file of its own, and the end of what it prints is told', async () => {
  await using rig = await HostRig.start();
  rig.openTeam({GODEL_MEMORIES: '/of/another/godel', API_TOKEN: 'hunter2-hunter2'}, 0o022, {secrets: ['API_TOKEN']});
  const file = join(rig.teamFolder, 'inputs', '1.memories.json');
  const script =
    'test "$(stat -c %a "$GODEL_MEMORIES")" = 600; ls "$GODEL_INPUTS"; cat "$GODEL_MEMORIES"; echo "$API_TOKEN"';
  const verify = 'test -s "$GODEL_MEMORIES" && echo verified';
  expect(await rig.run(1, `set -e; ${script}`, {memories, verify})).toMatchObject(SUCCESS);
  expect(saidOf(rig, 1)).toBe(`${JSON.stringify(memories)}\n***`);
  expect(existsSync(file)).toBe(false);
  expect(await rig.run(2, 'cat "$GODEL_MEMORIES"; exit 1', {memories: []})).toMatchObject({result: {ok: false}});
  expect(saidOf(rig, 2)).toBe('[]');
  expect(await rig.run(3, 'echo "${GODEL_MEMORIES-unset}"')).toMatchObject(SUCCESS);
  expect(rig.logOf(3)).toBe('unset\n');
  expect(saidOf(rig, 3)).toBeUndefined();
});

test('where the file cannot be made the attempt goes on without', async () => {
  await using rig = await HostRig.start();
  mkdirSync(join(rig.teamFolder, 'inputs', '1.memories.json'), {recursive: true});
  expect(await rig.run(1, 'test ! -e "$GODEL_MEMORIES"', {memories})).toMatchObject(SUCCESS);
});

test('of a coding agent its answer is told', async () => {
  await using rig = await AgentRig.start({team: {env: {API_TOKEN: 'hunter2-hunter2'}, secrets: ['API_TOKEN']}});
  const steps = [{say: 'I look.'}, {write: {'b.txt': 'b\n'}}, {say: 'Done with hunter2-hunter2.'}];
  expect(await rig.run(1, steps, {memories, verify: 'cp "$GODEL_MEMORIES" found'})).toMatchObject(SUCCESS);
  expect(saidOf(rig.host, 1)).toBe('Done with ***.');
  expect(readFileSync(join(rig.host.teamFolder, 'logs', '1.log'), 'utf8')).not.toContain('hunter2');
});
