import {mkdtempSync, readFileSync, realpathSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {afterEach, expect, test} from 'vitest';
import {readinessOf} from '../../src/host/agent-readiness.ts';
import {FoundPrograms} from '../../src/host/found-programs.ts';
import {Redaction} from '../../src/host/redaction.ts';
import {agentId, teamId} from '../../src/model/ids.ts';
import {commandRuntime} from '../../src/runtimes/command.ts';

const folder = realpathSync(mkdtempSync(join(tmpdir(), 'godel-ready-')));
const program = join(folder, 'pi');
const asked = join(folder, 'asked');
const AGENTS = [agentId('one')];

afterEach(() => rmSync(folder, {recursive: true, force: true}));

/** A program that keeps count of how often it was asked for its version. */
function install(version: string): void {
  writeFileSync(program, `#!/bin/sh\necho ${version} >> ${asked}\necho ${version}\n`, {mode: 0o755});
}

test('a program that has answered is asked again only when it is another one', async () => {
  const env = {PATH: `${folder}:${process.env['PATH'] ?? ''}`, HOME: folder};
  const team = {teamId: teamId(1), name: 'ready', env, umask: 0o022, folder, runtimes: ['pi']};
  const open = {team, runtime: commandRuntime({env}), redaction: Redaction.of(env, []), found: new FoundPrograms()};
  const look = () => readinessOf(AGENTS, open, undefined);
  const answers = () => readFileSync(asked, 'utf8').trim().split('\n');
  install('0.74.2');
  expect(await look()).toEqual([{type: 'agents-ready', agents: AGENTS}]);
  expect(await look()).toEqual([{type: 'agents-ready', agents: AGENTS}]);
  expect(answers()).toEqual(['0.74.2']);
  install('0.80.11');
  expect(await look()).toEqual([{type: 'agents-ready', agents: AGENTS}]);
  expect(answers()).toEqual(['0.74.2', '0.80.11']);
  rmSync(program);
  expect(
    await readinessOf(AGENTS, {...open, team: {...team, env: {...env, PATH: '/bin:/usr/bin'}}}, undefined),
  ).toMatchObject([{type: 'agents-failed', agents: AGENTS}]);
});
