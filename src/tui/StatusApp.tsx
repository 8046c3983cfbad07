import {Text, useInput} from 'ink';
import {useCallback, useRef, useState} from 'react';
import {bodyRows, windowOf} from './body-rows.ts';
import type {LiveTeam} from './live-team.ts';
import {bodyHeight, type ScreenMode, StatusScreen} from './StatusScreen.tsx';
import {useLiveTeam, useTerminalSize} from './use-live-team.ts';

export interface StatusAppProps {
  readonly live: LiveTeam;
  readonly onQuit: () => void;
  /** Called after the question has been answered with yes. */
  readonly onKill: () => void;
}

/** The status screen with its keys. */
export function StatusApp({live, onQuit, onKill}: StatusAppProps) {
  const {view, ageMs, notice} = useLiveTeam(live);
  const {columns, rows} = useTerminalSize();
  const [mode, setMode] = useState<ScreenMode>('watching');
  const [offset, setOffset] = useState(0);
  const height = view === null ? 1 : bodyHeight(view, rows, notice);

  const press = (input: string, key: Key) => {
    if (key.ctrl && input === 'c') return onQuit();
    if (mode === 'asking-to-kill') {
      if (input.toLowerCase() === 'y') {
        setMode('killing');
        onKill();
      } else if (input !== '' || key.escape || key.return) setMode('watching');
      return;
    }
    if (input === 'q' || (key.escape && mode !== 'help')) return onQuit();
    if (input === '?' || key.escape) setMode(before => (before === 'help' ? 'watching' : 'help'));
    if (input === 'K' && view !== null && view.outcome === null && mode !== 'killing') setMode('asking-to-kill');
    const step = scrollStep(input, key, height);
    if (step === 0 || view === null) return;
    const all = bodyRows(view, ageMs);
    setOffset(before => windowOf(all, windowOf(all, before, height).offset + step, height).offset);
  };
  // Ink takes up a new handler only after it has drawn; a key that comes in between must find what it was pressed for.
  const newest = useRef(press);
  newest.current = press;
  const onInput = useCallback((input: string, key: Key) => {
    // Keys that are held or typed fast arrive together; none that could end the team is taken out of pasted text.
    if (input.length > 1 && /^[jkgGq? ]+$/.test(input)) for (const character of input) newest.current(character, key);
    else newest.current(input, key);
  }, []);
  useInput(onInput);

  if (view === null) return <Text dimColor>{notice ?? 'Asking the daemon…'}</Text>;
  const shownMode = mode === 'killing' && view.outcome !== null ? 'watching' : mode;
  return <StatusScreen {...{view, ageMs, columns, rows, offset, notice}} mode={shownMode} />;
}

type Key = Parameters<Parameters<typeof useInput>[0]>[1];

/** Lines to scroll by; infinite to the first or last line. */
function scrollStep(input: string, key: Key, height: number): number {
  if (input === 'j' || key.downArrow) return 1;
  if (input === 'k' || key.upArrow) return -1;
  if (key.pageDown || input === ' ') return height;
  if (key.pageUp) return -height;
  if (input === 'G') return Number.MAX_SAFE_INTEGER;
  return input === 'g' ? -Number.MAX_SAFE_INTEGER : 0;
}
