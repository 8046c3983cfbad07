import {render} from 'ink';
import type {LiveTeam} from './live-team.ts';
import {StatusApp} from './StatusApp.tsx';

export interface StatusTerminal {
  readonly stdin: NodeJS.ReadStream;
  readonly stdout: NodeJS.WriteStream;
  /** Empties the screen; what was drawn is not where it was after a resize. */
  readonly clearScreen: () => void;
}

/** More is no calmer to look at. */
export const MAX_REDRAWS_PER_SECOND = 5;

/** Shows the status screen until the user leaves it or the signal is aborted. The caller has switched screens. */
export async function openStatus(
  live: LiveTeam,
  {terminal, signal, onKill}: {terminal: StatusTerminal; signal: AbortSignal; onKill: () => void},
): Promise<void> {
  const {stdin, stdout, clearScreen} = terminal;
  const instance = render(<StatusApp live={live} onKill={onKill} onQuit={() => instance.unmount()} />, {
    stdin,
    stdout,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: MAX_REDRAWS_PER_SECOND,
    incrementalRendering: true,
  });
  const onAbort = () => instance.unmount();
  const onResize = () => {
    instance.clear();
    clearScreen();
  };
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
