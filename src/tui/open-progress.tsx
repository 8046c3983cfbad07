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
    instance.clear();
    instance.unmount();
  };
}

function Progress({live}: {readonly live: LiveTeam}) {
  return <ProgressView {...useLiveTeam(live)} {...useTerminalSize()} />;
}
