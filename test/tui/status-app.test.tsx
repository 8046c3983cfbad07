import {render} from 'ink-testing-library';
import {expect, test} from 'vitest';
import {LiveTeam} from '../../src/tui/live-team.ts';
import {ProgressView} from '../../src/tui/ProgressView.tsx';
import {StatusApp} from '../../src/tui/StatusApp.tsx';
import {StatusScreen} from '../../src/tui/StatusScreen.tsx';
import {agentId} from '../../src/model/ids.ts';
import type {TeamView} from '../../src/model/team-view.ts';
import {until} from '../rig/until.ts';
import {fabricatedView} from './fabricated-view.ts';

const ANSI = /\u001b\[[0-9;?]*[A-Za-z]/g;

function screen(view: TeamView, {columns = 80, rows = 24, ageMs = 0} = {}): string[] {
  const app = render(<StatusScreen {...{view, columns, rows, ageMs}} offset={0} mode="watching" notice={null} />);
  const frame = (app.lastFrame() ?? '').replaceAll(ANSI, '');
  app.unmount();
  return frame.split('\n');
}

test('80 by 24 holds what counts: progress, reasons for waiting, failures first, then what runs, and the keys', () => {
  const lines = screen(fabricatedView());
  expect(lines.length).toBeLessThanOrEqual(24);
  expect(Math.max(...lines.map(line => line.length))).toBeLessThanOrEqual(80);
  expect(lines[0]).toMatch(/^audit running +3 min 20 s$/);
  expect(lines[1]).toContain('412/1000 done (41 %)');
  const text = lines.join('\n');
  expect(text).toContain('530 tasks wait: every agent is busy');
  expect(text.indexOf('Failures: 2')).toBeLessThan(text.indexOf('Running: 50'));
  expect(text).toContain('Its command exited with code 1: no licence');
  expect(lines[lines.findIndex(line => line === 'Running: 50') + 1]).toContain('audit-50');
  expect(lines.at(-1)).toContain('K end the team   j/k scroll   1–16 of 55');
});

test('agents in trouble are shown with what is the matter, between failures and what runs', () => {
  const ailing = [{agent: agentId('audit-07'), why: 'it has failed too often and is left out for another 12 s'}];
  const text = screen(fabricatedView({ailing}), {columns: 120, rows: 63}).join('\n');
  expect(text).toMatch(/Agents in trouble: 1\naudit-07 +it has failed too often and is left out for another 12 s/);
  expect(text.indexOf('Failures: 2')).toBeLessThan(text.indexOf('Agents in trouble'));
  expect(text.indexOf('Agents in trouble')).toBeLessThan(text.indexOf('Running: 50'));
});

test('50 running tasks all fit at 200 by 63', () => {
  expect(screen(fabricatedView(), {columns: 200, rows: 63}).filter(line => line.includes('audit-')).length).toBe(50);
});

test.each([
  [20, 5],
  [40, 10],
  [1, 1],
])('a terminal of %i by %i breaks nothing', (columns, rows) => {
  expect(screen(fabricatedView(), {columns, rows}).length).toBeLessThanOrEqual(Math.max(rows, 1));
});

test('elapsed times go on between views, and a finished team stands still', () => {
  expect(screen(fabricatedView(), {ageMs: 5000})[0]).toMatch(/3 min 25 s$/);
  const over = fabricatedView({state: 'succeeded', outcome: 'ok', running: []});
  expect(screen(over, {ageMs: 5000})[0]).toMatch(/3 min 20 s$/);
  expect(screen(over).at(-1)).not.toContain('K end');
});

test('output of a task cannot steer the terminal from the screen', () => {
  const [first] = fabricatedView().running;
  const running =
    first === undefined ? [] : [{...first, task: 'a\u001b[2Jb\nc', lastLine: '\u001b]0;x\u0007hello\u0008'}];
  const text = screen(fabricatedView({running, failures: []})).join('\n');
  expect(text).toContain('ab c');
  expect(text).toContain('hello');
  expect(text).not.toContain('\u001b');
});

/** The screen with its keys, once it listens to them. */
async function app(view = fabricatedView()) {
  const live = new LiveTeam();
  live.show(view);
  const heard: string[] = [];
  const rendered = render(
    <StatusApp live={live} onQuit={() => heard.push('quit')} onKill={() => heard.push('kill')} />,
  );
  const shows = (text: string) => until(`"${text}" on screen`, () => (rendered.lastFrame() ?? '').includes(text));
  await until('keys are listened to', () => rendered.stdin.listenerCount('readable') > 0);
  return {...rendered, live, heard, shows};
}

test('K asks and only y ends the team', async () => {
  const {stdin, shows, heard, live, unmount} = await app();
  stdin.write('K');
  await shows('End team audit and stop what it runs? y / n');
  stdin.write('x');
  await shows('K end the team');
  expect(heard).toEqual([]);
  stdin.write('K');
  await shows('y / n');
  stdin.write('y');
  await shows('Ending the team…');
  expect(heard).toEqual(['kill']);
  live.show(fabricatedView({state: 'killed', outcome: 'killed'}));
  await shows('killed');
  unmount();
});

test('q and Ctrl-C leave; the question mark shows the keys and goes back', async () => {
  const {stdin, shows, heard, unmount} = await app();
  stdin.write('?');
  await shows('leave this screen');
  stdin.write('?');
  await shows('Running: 50');
  stdin.write('q');
  await until('quit', () => heard.length === 1);
  stdin.write('\u0003');
  await until('quit', () => heard.length === 2);
  expect(heard).toEqual(['quit', 'quit']);
  unmount();
});

test('the list scrolls by line, page and to its ends, and stops there', async () => {
  const {stdin, shows, unmount} = await app();
  await shows('Failures: 2');
  stdin.write('jj');
  await shows('3–');
  stdin.write('k');
  await shows('2–');
  stdin.write('G');
  await shows('of 55');
  await shows('–55 of 55');
  stdin.write('j');
  stdin.write('g');
  await shows('1–');
  unmount();
});

test('what is new is drawn, and a notice is shown', async () => {
  const {live, shows, unmount} = await app();
  live.show(fabricatedView({tasks: {...fabricatedView().tasks, succeeded: 500}}));
  await shows('503/1000 done');
  live.notice('The daemon cannot be reached.');
  await shows('The daemon cannot be reached.');
  unmount();
});

test('the compact progress takes few lines and leaves failures standing', () => {
  const props = {view: fabricatedView(), ageMs: 0, columns: 80, rows: 24, notice: null};
  const rendered = render(<ProgressView {...props} lasting={['failed a: It failed.']} />);
  const lines = (rendered.lastFrame() ?? '').replaceAll(ANSI, '').split('\n');
  expect(lines[0]).toBe('failed a: It failed.');
  expect(lines.length).toBeLessThanOrEqual(12);
  expect(lines.join('\n')).toContain('and 44 more running · 530 tasks wait: every agent is busy');
  rendered.unmount();
});
