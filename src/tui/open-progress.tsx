import {render} from 'ink';
import type {LiveTeam} from './live-team.ts';
import {ProgressView} from './ProgressView.tsx';
import {useLiveTeam, useTerminalSize} from './use-live-team.ts';

/** More is no calmer to look at. */
const MAX_REDRAWS_PER_SECOND = 5;

/** Shows the compact progress at the bottom of the terminal. Returns what takes it away again; the lasting lines stay. */
export function openProgress(live: LiveTeam, stream: NodeJS.WriteStream): () => void {
  const instance = render(<Progress live={live} />, {
    stdout: stream,
    exitOnCtrlC: false,
    patchConsole: false,
    maxFps: MAX_REDRAWS_PER_SECOND,
  });
  return () => {
    // Unmounting draws what is still to be drawn, and after `clear()` ink would take that for a change of a frame that is
    // gone. So the last frame is drawn here: two empty lines, which differ from every frame before, then taken back.
    instance.rerender(<Progress live={live} closing />);
    instance.unmount();
    stream.write(TWO_LINES_UP);
  };
}

const TWO_LINES_UP = '\u001b[2A';

function Progress({live, closing = false}: {readonly live: LiveTeam; readonly closing?: boolean}) {
  return <ProgressView {...useLiveTeam(live)} {...useTerminalSize()} closing={closing} />;
}
