import {EXIT_CODES} from '../model/exit-code.ts';
import {failureOf} from '../model/failure.ts';
import {failureText} from '../model/failure-text.ts';
import {type Interrupt, Interrupts} from './interrupts.ts';
import {main} from './main.ts';
import type {Print} from './print.ts';

let print: Print | undefined;

// On any way out but SIGKILL the terminal is as it was before.
process.on('exit', () => print?.restore());

const interrupts = new Interrupts(signal => {
  process.exit(EXIT_CODES[signal === 'SIGINT' ? 'sigint' : 'sigterm'].code);
});
for (const signal of ['SIGINT', 'SIGTERM'] satisfies Interrupt[]) process.on(signal, () => interrupts.deliver(signal));
process.on('SIGHUP', () => process.exit(EXIT_CODES.sigterm.code));

// `godel … | head`: nobody reads any more, which is no error. What runs goes on without us.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: Error) => {
    if ('code' in error && (error.code === 'EPIPE' || error.code === 'EIO')) process.exit(EXIT_CODES.ok.code);
    throw error;
  });
}

process.on('uncaughtException', error => {
  print?.restore();
  print?.note(failureText(failureOf(error)));
  print?.note(error.stack ?? '');
  process.exit(EXIT_CODES.internal.code);
});

const code = await main(
  process.argv.slice(2),
  {
    interrupts,
    cwd: process.cwd(),
    env: Object.fromEntries(
      Object.entries(process.env).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
    ),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
  },
  made => {
    print = made;
  },
);
await print?.flush();
process.exit(code);
