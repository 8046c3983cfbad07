import {useStdout} from 'ink';
import {useEffect, useState, useSyncExternalStore} from 'react';
import {readClock} from '../base/clock.ts';
import type {LiveSnapshot, LiveTeam} from './live-team.ts';

export interface Live extends LiveSnapshot {
  /** How old the view is, in milliseconds; goes on once a second. */
  readonly ageMs: number;
}

/** The newest of a team, redrawn when something comes, else once a second for the elapsed times. */
export function useLiveTeam(live: LiveTeam): Live {
  const snapshot = useSyncExternalStore(live.subscribe, live.snapshot);
  const [nowMs, setNowMs] = useState(() => readClock().monoMs);
  useEffect(() => {
    const timer = setInterval(() => {
      const {monoMs} = readClock();
      // A view that has just come is itself a redraw.
      if (monoMs - live.snapshot().receivedMonoMs >= 1000) setNowMs(monoMs);
    }, 1000);
    return () => clearInterval(timer);
  }, [live]);
  return {...snapshot, ageMs: snapshot.view === null ? 0 : Math.max(0, nowMs - snapshot.receivedMonoMs)};
}

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

/** The terminal's size, also after it has been resized. */
export function useTerminalSize(): TerminalSize {
  const {stdout} = useStdout();
  const [size, setSize] = useState(() => sizeOf(stdout));
  useEffect(() => {
    const onResize = () => setSize(sizeOf(stdout));
    stdout.on('resize', onResize);
    return () => {
      stdout.off('resize', onResize);
    };
  }, [stdout]);
  return size;
}

/** A terminal that does not know its size is taken to be 80 by 24; pseudo-terminals without one say 0. */
function sizeOf({columns, rows}: NodeJS.WriteStream): TerminalSize {
  return {columns: columns > 0 ? columns : 80, rows: rows > 0 ? rows : 24};
}
