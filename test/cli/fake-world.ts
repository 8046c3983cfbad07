import {PassThrough} from 'node:stream';
import {Interrupts} from '../../src/cli/interrupts.ts';
import {main} from '../../src/cli/main.ts';

export interface Ran {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command line in this process, in a folder, with streams that are no terminal. */
export async function runCli(
  args: readonly string[],
  {cwd, env = {}}: {cwd: string; env?: Record<string, string>},
): Promise<Ran> {
  const stdout = new PassThrough();
  const stderr = new PassThrough();
  const code = await main(
    args,
    {
      interrupts: new Interrupts(() => undefined),
      cwd,
      env,
      stdin: new PassThrough() as unknown as NodeJS.ReadStream,
      stdout: terminalLike(stdout),
      stderr: terminalLike(stderr),
    },
    () => undefined,
  );
  return {code, stdout: textOf(stdout), stderr: textOf(stderr)};
}

/** The few members of a terminal stream that commands look at are there: `isTTY` is not. */
function terminalLike(stream: PassThrough): NodeJS.WriteStream {
  return stream as unknown as NodeJS.WriteStream;
}

function textOf(stream: PassThrough): string {
  return (stream.read() as Buffer | null)?.toString('utf8') ?? '';
}
