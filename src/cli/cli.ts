import type {Interrupts} from './interrupts.ts';
import type {Print} from './print.ts';

/** What every command is given: the world around the process, as values. */
export interface Cli {
  readonly print: Print;
  readonly interrupts: Interrupts;
  readonly cwd: string;
  /** The environment as it was when the process started. */
  readonly env: Readonly<Record<string, string>>;
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: Output;
  readonly stderr: Output;
}

/** Where a process writes; the file descriptor is there when it is one of the system's. */
export type Output = NodeJS.WriteStream & {readonly fd?: number};

/** Options that every command understands. */
export interface GlobalOptions {
  readonly project?: string;
  readonly set?: Readonly<Record<string, string>>;
}

/** Whether somebody sits at this stream and screens make sense there. */
export function isInteractive(cli: Cli, stream: NodeJS.WriteStream): boolean {
  return stream.isTTY && !isCi(cli.env) && cli.env['TERM'] !== 'dumb';
}

function isCi(env: Cli['env']): boolean {
  const ci = env['CI'];
  return ci !== undefined && ci !== '' && ci !== '0' && ci !== 'false';
}
