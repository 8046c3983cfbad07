import {PassThrough} from 'node:stream';
import {beforeAll, expect, test} from 'vitest';
import {LiveTeam} from '../../src/tui/live-team.ts';
import {until} from '../rig/until.ts';
import {fabricatedView} from './fabricated-view.ts';

let openProgress: (live: LiveTeam, stream: NodeJS.WriteStream) => () => void;
beforeAll(async () => {
  // Ink looks for CI once, when it is loaded, and then draws nothing that moves.
  for (const name of Object.keys(process.env))
    if (/^CI(_|$)|^CONTINUOUS_INTEGRATION$/.test(name)) Reflect.deleteProperty(process.env, name);
  ({openProgress} = await import('../../src/tui/open-progress.tsx'));
});

/** React and ink have done what they do at once. */
function turn(): Promise<void> {
  return new Promise(resolve => setImmediate(resolve));
}

/** What somebody sees after all this was written to a terminal: lines, moves up, erased lines; nothing wraps. */
function screenAfter(written: string): readonly string[] {
  const lines = [''];
  let row = 0;
  for (const [token, count, command] of written.matchAll(/\u001b\[\??([\d;]*)([A-Za-z])|\n|[^\n\u001b]+/g)) {
    if (token === '\n') {
      row += 1;
      lines[row] ??= '';
    } else if (command === 'A') row = Math.max(0, row - Number(count ?? 1));
    else if (command === 'K') lines[row] = '';
    else if (command === undefined) lines[row] = (lines[row] ?? '') + token;
  }
  expect(row, 'the cursor stands below what stays').toBe(lines.findLastIndex(line => line !== '') + 1);
  return lines.filter(line => line !== '');
}

/** A terminal of 80 by 30 that keeps what is written to it. */
function terminal() {
  let written = '';
  const stream = Object.assign(new PassThrough(), {isTTY: true, columns: 80, rows: 30});
  stream.on('data', (chunk: Buffer) => (written += chunk.toString('utf8')));
  return {stream: stream as unknown as NodeJS.WriteStream, written: () => written};
}

test.each([
  'before any frame',
  'while the last frame stands',
  'while another frame waits to be drawn',
  'while a lower frame waits, below lines that stay',
])('closing leaves the lines that stay and nothing else: %s', async when => {
  const {stream, written} = terminal();
  const live = new LiveTeam();
  stream.write('$ godel team spawn\n');
  const close = openProgress(live, stream);
  const lasting = when.includes('lines that stay') ? ['failed a: no luck'] : [];
  if (when !== 'before any frame') {
    live.keep(lasting);
    live.show(fabricatedView());
    await until('a frame stands', () => written().includes('audit'));
  }
  if (when.includes('waits')) {
    // Of frames that follow each other fast the first is drawn at once, the next one when its time has come.
    live.notice('Ending team audit…');
    await turn();
    live.show(fabricatedView({running: [], state: 'killed'}));
    await turn();
  }
  close();
  await turn();
  expect(screenAfter(written())).toEqual(['$ godel team spawn', ...lasting]);
});
