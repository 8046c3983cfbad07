import {writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect, test} from 'vitest';
import {Rig} from '../rig/rig.ts';
import {processesOf} from '../rig/rig-processes.ts';
import {hasTmux, Tmux} from './tmux.ts';

const PLAN = `
version: 1
name: demo
defaults: {retries: 0}
tasks:
  bad: {run: "echo no luck; exit 3"}
  work: {foreach: [${Array.from({length: 60}, (_, index) => index + 1).join(', ')}], run: 'echo "item $GODEL_ITEM"; sleep 300'}
`;

/** A team of 50 at work, seen from a real terminal. */
async function withTeam(
  use: (terminal: Tmux, rig: Rig) => Promise<void>,
  size: {columns?: number; rows?: number} = {},
) {
  await using rig = await Rig.create();
  rig.writePlan(PLAN);
  await rig.godel(['team', 'spawn', '--count', '50', '--plan', 'godel.yaml', '--detach']);
  using terminal = await Tmux.open(rig, size);
  await use(terminal, rig);
}

const terminalTest = test.skipIf(!hasTmux());

terminalTest(
  'the status screen fits 80 by 24 and 200 by 70, follows a resize, and leaves the terminal as it was',
  async () => {
    await withTeam(async terminal => {
      terminal.type('echo before', 'Enter');
      terminal.type('godel team status', 'Enter');
      const small = await terminal.shows('item 1');
      expect(terminal.state()).toEqual({otherScreen: true, cursor: false});
      expect(small.split('\n')[0]).toMatch(/^demo running +\d+ \w+$/);
      expect(small).toContain('Failures: 1');
      expect(small).toContain('Its command exited with code 3: no luck');
      expect(small).toContain('q quit   ? help   K end the team');
      terminal.resize(200, 70);
      const large = await terminal.shows('item 50');
      expect(large.split('\n').filter(line => line.includes('demo-')).length).toBe(50);
      terminal.resize(60, 12);
      const tiny = await terminal.shows(/j\/k scroll +1–/);
      expect(tiny.split('\n').filter(line => line.startsWith('demo running'))).toHaveLength(1);
      terminal.type('q');
      await terminal.isRestored();
      expect(terminal.screen()).toContain('before');
    });
  },
);

terminalTest('K asks, n goes on, y ends the team', async () => {
  await withTeam(async terminal => {
    terminal.type('godel team status', 'Enter');
    await terminal.shows('K end the team');
    terminal.type('K');
    await terminal.shows('End team demo and stop what it runs? y / n');
    terminal.type('n');
    await terminal.shows('K end the team');
    terminal.type('K');
    await terminal.shows('y / n');
    terminal.type('y');
    await terminal.shows('Team demo is ended; nothing of it runs any more.');
    await terminal.shows('demo killed');
    terminal.type('q');
    await terminal.isRestored();
  });
});

terminalTest.each(['SIGTERM', 'SIGINT', 'SIGHUP'] as const)('%s leaves the terminal as it was', async signal => {
  await withTeam(async (terminal, rig) => {
    terminal.type('godel team status', 'Enter');
    await terminal.shows('K end the team');
    const cli = processesOf(rig.root).find(({command}) => command.includes('godel.js team status'));
    process.kill(cli?.pid ?? 0, signal);
    await terminal.isRestored();
  });
});

terminalTest('a crash leaves the terminal as it was and says what happened', async () => {
  await withTeam(
    async (terminal, rig) => {
      const fuse = join(rig.folder, 'fuse');
      const bomb = `import{existsSync}from"node:fs";setInterval(()=>{if(existsSync("${fuse}"))throw new Error("boom")},50)`;
      const program = `data:text/javascript,${encodeURIComponent(bomb)}`;
      terminal.type(`clear; NODE_OPTIONS='--import=${program}' godel team status; echo code $?`, 'Enter');
      await terminal.shows('K end the team');
      writeFileSync(fuse, '');
      await terminal.shows('Internal error: boom');
      await terminal.shows('code 7');
      await terminal.isRestored();
    },
    {columns: 150},
  );
});

terminalTest('Ctrl-C asks what is to become of the team; it can be left running, watched on, or ended', async () => {
  await withTeam(
    async (terminal, rig) => {
      terminal.type(
        'clear; godel team kill --yes; godel team spawn --count 50 --plan godel.yaml --name again; echo code $?',
        'Enter',
      );
      await terminal.shows('and 44 more running');
      terminal.type('C-c');
      await terminal.shows('Leave it running (l), end it (e), go on watching (g)?');
      terminal.type('g');
      await terminal.shows('and 44 more running');
      terminal.type('C-c');
      await terminal.shows(/\? g\n[\s\S]*\(g\)\?/);
      terminal.type('l');
      await terminal.shows('code 0');
      await terminal.isRestored();
      terminal.type('clear; godel team wait again', 'Enter');
      await terminal.shows('and 44 more running');
      terminal.type('C-c');
      await terminal.shows('Team again goes on.');
      const status = await rig.godel(['team', 'status', 'again', '--json']);
      expect(JSON.parse(status.stdout)).toMatchObject({state: 'running'});
    },
    {columns: 120},
  );
});

terminalTest('a second Ctrl-C ends the team', async () => {
  await withTeam(
    async terminal => {
      terminal.type(
        'clear; godel team kill --yes; godel team spawn --count 50 --plan godel.yaml --name again; echo code $?',
        'Enter',
      );
      await terminal.shows('and 44 more running');
      terminal.type('C-c');
      await terminal.shows('Leave it running (l)');
      terminal.type('C-c');
      await terminal.shows('code 130');
      // Nothing of the live view stays between the answer and the summary.
      expect(terminal.screen()).toMatch(/\(g\)\? e\nTeam again killed/);
      await terminal.isRestored();
    },
    {columns: 120},
  );
});

terminalTest('kill asks on a terminal', async () => {
  await withTeam(async terminal => {
    terminal.type('godel team kill', 'Enter');
    await terminal.shows('End demo and stop 50 running tasks? (y/n)');
    terminal.type('n');
    await terminal.shows('Nothing was ended.');
    terminal.type('godel team kill', 'Enter');
    await terminal.shows(/Nothing was ended[\s\S]*\(y\/n\)/);
    terminal.type('y');
    await terminal.shows('Team demo is ended (killed)');
  });
});
