import {render} from 'ink';
import {FramePainter} from './frame-painter.ts';
import type {LiveTeam} from './live-team.ts';
import {StatusApp} from './StatusApp.tsx';

export interface StatusOptions {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** Writes to the terminal. */
  readonly write: (text: string) => void;
  readonly signal: AbortSignal;
  readonly onKill: () => void;
}

/** Shows the status screen until the user leaves it or the signal is aborted. The caller has switched screens. */
export async function openStatus(live: LiveTeam, {stdin, stdout, write, signal, onKill}: StatusOptions): Promise<void> {
  const painter = new FramePainter(write);
  const instance = render(<StatusApp live={live} onKill={onKill} onQuit={() => instance.unmount()} />, {
    stdin,
    stdout: withFrames(stdout, frame => painter.paint(frame, stdout.rows)),
    exitOnCtrlC: false,
    patchConsole: false,
    // Makes ink hand out each frame whole. Its own ways of redrawing rewrite every line, or the whole terminal.
    debug: true,
  });
  const onAbort = () => instance.unmount();
  // The terminal moves lines about when it is resized.
  const onResize = () => painter.forget();
  stdout.prependListener('resize', onResize);
  signal.addEventListener('abort', onAbort, {once: true});
  if (signal.aborted) onAbort();
  try {
    await instance.waitUntilExit();
  } finally {
    stdout.off('resize', onResize);
    signal.removeEventListener('abort', onAbort);
  }
}

/** The terminal as ink sees it: everything but what is written is the terminal's own. */
function withFrames(stdout: NodeJS.WriteStream, onFrame: (frame: string) => void): NodeJS.WriteStream {
  return new Proxy(stdout, {
    get(target, key) {
      if (key === 'write') {
        return (frame: unknown, ...rest: unknown[]) => {
          if (typeof frame === 'string' && frame !== '') onFrame(frame);
          const done = rest.at(-1);
          if (isCallback(done)) done();
          return true;
        };
      }
      const value: unknown = Reflect.get(target, key, target);
      return typeof value === 'function' ? (value.bind(target) as unknown) : value;
    },
  });
}

function isCallback(value: unknown): value is () => void {
  return typeof value === 'function';
}
