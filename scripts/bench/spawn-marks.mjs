import {spawn} from 'node:child_process';

/**
 * Waits for a line, then starts the command COUNT times at once, each with its own number in MARK, and prints when it began.
 * Ends them by their groups when its input ends.
 */
const [, , count, command] = process.argv;
const children = [];
process.stdin.once('data', () => {
  const startedMs = Date.now();
  for (let mark = 0; mark < Number(count); mark += 1) {
    const env = {...process.env, MARK: `bare-${mark}`};
    children.push(spawn('/bin/sh', ['-c', command], {env, stdio: ['ignore', 'pipe', 'pipe'], detached: true}));
  }
  console.log(startedMs);
});
process.stdin.once('end', () => {
  for (const child of children) process.kill(-child.pid, 'SIGKILL');
});
console.log('ready');
