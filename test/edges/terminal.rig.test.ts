import {readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {afterAll, beforeAll, describe, expect, test} from 'vitest';
import type {TeamView} from '../../src/model/team-view.ts';
import {Rig} from '../rig/rig.ts';
import {until} from '../rig/until.ts';
import {hasTerminals, Terminal} from './terminal.ts';

let rig: Rig;
const ESCAPE = '\u001B';
const ALTERNATE_SCREEN = {on: `${ESCAPE}[?1049h`, off: `${ESCAPE}[?1049l`};
const SHOW_CURSOR = `${ESCAPE}[?25h`;
const COLOUR = new RegExp(`${ESCAPE}\\[[0-9;]*m`);

beforeAll(async () => {
  rig = await Rig.create({env: {GODEL_KILL_GRACE: '1s'}});
  const items = Array.from({length: 50}, (_, index) => `item-${index}`);
  const work = {foreach: items, run: 'echo "working on $GODEL_ITEM"; sleep 600'};
  const broken = {run: "printf '\\033]0;evil\\007\\033[31mred alert\\033[0m\\n'; exit 3"};
  const spawned = await rig.spawn({name: 'many', count: 51, plan: {version: 1, tasks: {broken, work}}});
  await until('all are at work', async () => {
    const view = await rig.client().team(spawned.team);
    return (
      view.ok &&
      view.value.running.filter(({lastLine}) => lastLine !== null).length === 50 &&
      view.value.tasks.failed === 1
    );
  });
  writeFileSync(join(rig.folder, 'short.yaml'), "version: 1\ntasks: {a: {run: 'echo hello'}, b: {run: 'exit 4'}}\n");
});
afterAll(async () => {
  await rig[Symbol.asyncDispose]();
});

function restored(): boolean {
  const read = (name: string) => readFileSync(join(rig.folder, name), 'utf8');
  return read('before') === read('after');
}

describe('without a terminal', () => {
  test('status is a table once: no control sequence, and the same facts as JSON has', async () => {
    const plain = await rig.godel(['team', 'status', 'many'], {env: {NO_COLOR: ''}});
    expect(plain).toMatchObject({code: 0, stderr: ''});
    expect(plain.stdout).not.toContain(ESCAPE);
    expect(plain.stdout).toMatch(/^many {2}running {2}/);
    expect(plain.stdout).toContain('51 tasks: ');
    expect(plain.stdout).toMatch(/^failed broken: Its command exited with code 3: .*red alert$/m);
    expect(plain.stdout.match(/working on item-/g)).toHaveLength(50);
    const view = JSON.parse((await rig.godel(['team', 'status', 'many', '--json'])).stdout) as TeamView;
    expect(view).toMatchObject({team: 'many', state: 'running', tasks: {total: 51, running: 50, failed: 1}});
  });

  test('FORCE_COLOR colours a pipe, NO_COLOR wins over a terminal, and an error is coloured where it is read', async () => {
    const forced = await rig.godel(['team', 'status', 'many'], {env: {NO_COLOR: '', FORCE_COLOR: '1'}});
    expect(forced.stdout).toMatch(COLOUR);
    const both = await rig.godel(['team', 'status', 'many'], {env: {NO_COLOR: '1'}});
    expect(both.stdout).not.toMatch(COLOUR);
    const json = await rig.godel(['team', 'status', 'many', '--json'], {env: {NO_COLOR: '', FORCE_COLOR: '1'}});
    expect(json.stdout).not.toContain(ESCAPE);
  });
});

describe.runIf(hasTerminals())('at a terminal', () => {
  test('status fits the screen, follows its size down to almost nothing, and leaves the terminal as it was', async () => {
    await using terminal = new Terminal(rig, ['team', 'status', 'many'], {columns: 100, rows: 30});
    await terminal.seen('working on item-');
    expect(terminal.shown).toContain(ALTERNATE_SCREEN.on);
    for (const [columns, rows] of [
      [40, 10],
      [20, 5],
      [1, 1],
      [200, 60],
    ] as const) {
      const after = terminal.shown.length;
      terminal.resize(columns, rows);
      await terminal.seen(/\S/, {after});
    }
    const after = terminal.shown.length;
    await terminal.seen('working on item-4', {after: after - 1});
    terminal.press('?');
    await terminal.seen(/quit/i, {after});
    // Typed fast, keys arrive together.
    terminal.press('?q');
    expect(await terminal.exited).toBe(0);
    expect(terminal.shown.lastIndexOf(ALTERNATE_SCREEN.off)).toBeGreaterThan(
      terminal.shown.lastIndexOf(ALTERNATE_SCREEN.on),
    );
    expect(terminal.shown.lastIndexOf(SHOW_CURSOR)).toBeGreaterThan(0);
    expect(restored()).toBe(true);
    expect(terminal.shown).not.toContain('\u001B]0;evil');
  });

  test.each(['SIGTERM', 'SIGHUP', 'SIGINT'] as const)('%s ends the screen and restores the terminal', async signal => {
    await using terminal = new Terminal(rig, ['team', 'status', 'many']);
    await terminal.seen('working on item-');
    process.kill(terminal.pid, signal);
    expect(await terminal.exited).toBe(signal === 'SIGINT' ? 130 : 143);
    expect(terminal.shown).toContain(ALTERNATE_SCREEN.off);
    expect(restored()).toBe(true);
  });

  test('no colour where NO_COLOR says so, no screen where the terminal is dumb or it is CI', async () => {
    await using colourless = new Terminal(rig, ['team', 'status', 'many', '--plain'], {env: {NO_COLOR: '1'}});
    await colourless.exited;
    expect(colourless.text).toContain('51 tasks');
    expect(colourless.shown).not.toMatch(COLOUR);
    await using coloured = new Terminal(rig, ['team', 'status', 'many', '--plain']);
    await coloured.exited;
    expect(coloured.shown).toMatch(COLOUR);
    for (const env of [{TERM: 'dumb'}, {CI: 'true'}]) {
      await using once = new Terminal(rig, ['team', 'status', 'many'], {env});
      expect(await once.exited).toBe(0);
      expect(once.text).toContain('51 tasks');
      expect(once.shown).not.toContain(ALTERNATE_SCREEN.on);
    }
  });

  test('spawn shows progress on a tiny terminal and ends with its summary', async () => {
    await using terminal = new Terminal(rig, ['team', 'spawn', '--count', '2', '--plan', 'short.yaml'], {
      columns: 30,
      rows: 4,
    });
    expect(await terminal.exited).toBe(1);
    expect(terminal.text).toMatch(/Team team failed after [^]*: 2 tasks, 1 [^]*1 /);
    expect(terminal.text).toMatch(/Its command exited\s+with code 4/);
    expect(restored()).toBe(true);
  });

  test('the first Ctrl-C asks; leaving lets the team go on, ending ends it, and a second Ctrl-C too', async () => {
    writeFileSync(join(rig.folder, 'long.yaml'), "version: 1\ntasks: {a: {run: 'echo at work; sleep 600'}}\n");
    const spawn = (name: string) =>
      new Terminal(rig, ['team', 'spawn', '--count', '1', '--plan', 'long.yaml', '--name', name]);
    const cases = [
      {name: 'left', keys: ['l'], code: 0, state: 'running'},
      {name: 'ended', keys: ['g', '\u0003', 'e'], code: 130, state: 'killed'},
      {name: 'twice', keys: ['\u0003'], code: 130, state: 'killed'},
    ];
    for (const {name, keys, code, state} of cases) {
      await using terminal = spawn(name);
      await terminal.seen('at work');
      terminal.press('\u0003');
      await terminal.seen(`Team ${name} is running. Leave it running (l), end it (e), go on watching (g)?`);
      for (const key of keys) {
        const after = terminal.shown.length;
        terminal.press(key);
        if (key === 'g') await terminal.seen('at work', {after});
        else if (key === '\u0003' && keys.length > 1) await terminal.seen('Leave it running', {after});
      }
      expect({name, code: await terminal.exited}).toEqual({name, code});
      expect(await rig.client().team(name)).toMatchObject({value: {state}});
      expect(restored()).toBe(true);
    }
  });
});
