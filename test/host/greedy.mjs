// Takes memory step by step, up to a size, and keeps it: greedy.mjs MEGABYTES [WORD…]. `escape`: a child that has left its group does
// so. `deaf`: SIGTERM does not end it. `until`: it ends well when there is a file `enough`.
import {spawn} from 'node:child_process';
import {existsSync, writeFileSync} from 'node:fs';

const [megabytes, ...more] = process.argv.slice(2);
if (more.includes('deaf')) process.on('SIGTERM', () => undefined);
if (more.includes('until')) setInterval(() => existsSync('enough') && process.exit(0), 20);
if (more.includes('escape')) {
  const args = [process.argv[1], megabytes, ...more.filter(word => word !== 'escape')];
  const child = spawn(process.execPath, args, {detached: true, stdio: 'ignore'});
  writeFileSync('escaped', String(child.pid));
  setInterval(() => undefined, 1000);
} else {
  const kept = [];
  const timer = setInterval(() => {
    if (kept.length * 5 >= Number(megabytes)) clearInterval(timer);
    else kept.push(Buffer.alloc(5 * 1024 * 1024, 1));
  }, 30);
  setInterval(() => undefined, 1000);
}
