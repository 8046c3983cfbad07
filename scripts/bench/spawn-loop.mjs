import {spawn} from 'node:child_process';

/** Starts COUNT times `true`, WIDTH at a time, and prints the milliseconds it took. */
const [, , count, width] = process.argv.map(Number);
const started = performance.now();
let next = 0;
const worker = async () => {
  while (next < count) {
    next += 1;
    await new Promise((resolve, reject) => spawn('true', {stdio: 'pipe'}).once('exit', resolve).once('error', reject));
  }
};
await Promise.all(Array.from({length: width}, worker));
console.log(performance.now() - started);
