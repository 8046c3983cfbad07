import {readClock} from '../base/clock.ts';
import type {TeamView} from '../model/team-view.ts';
import {type Cli, isInteractive} from './cli.ts';
import {NewsLines, progressLine} from './plain-progress.ts';

/** What shows the progress of a team while a command waits for it. */
export interface Display {
  show(view: TeamView): void;
  /** Something to say that is no progress. */
  say(text: string): void;
  /** Makes room for a question on the terminal; `resume` goes on showing. */
  pause(): void;
  resume(): Promise<void>;
  close(): void;
}

const FIRST_LINE_MS = 500;
const LINE_EVERY_MS = 2000;

/** A live view where somebody watches standard error, otherwise plain lines; nothing while events stream as JSON. */
export async function openDisplay(cli: Cli): Promise<Display> {
  if (cli.print.json === 'lines') return silent();
  return isInteractive(cli, cli.stderr) ? openLive(cli) : plain(cli);
}

/** A line when something has changed, at most every two seconds, and each warning and failure as it happens. */
export function plain({print}: Pick<Cli, 'print'>, say = (line: string) => print.note(line)): Display {
  const news = new NewsLines(text => print.styleNote('red', text));
  // What is over before the first line is due needs none.
  let nextMs = readClock().monoMs + FIRST_LINE_MS;
  let said = '';
  let timer: NodeJS.Timeout | undefined;
  let newest: TeamView | null = null;
  const sayNewest = () => {
    timer = undefined;
    if (newest === null || factsOf(newest) === said) return;
    said = factsOf(newest);
    nextMs = readClock().monoMs + LINE_EVERY_MS;
    say(progressLine(newest));
  };
  return {
    ...silent(),
    say,
    show(view) {
      for (const line of news.next(view)) say(line);
      newest = view;
      timer ??= setTimeout(sayNewest, Math.max(0, nextMs - readClock().monoMs));
    },
    close() {
      clearTimeout(timer);
      newest = null;
    },
  };
}

/** What a line is worth being said for: time alone is not. */
function factsOf({tasks, agents}: TeamView): string {
  return JSON.stringify([tasks, agents.ready, agents.failed]);
}

async function openLive(cli: Cli): Promise<Display> {
  const {LiveTeam, openProgress} = await loadTui(cli);
  const live = new LiveTeam();
  const news = new NewsLines(text => cli.print.styleNote('red', text));
  let close: (() => void) | null = openProgress(live, cli.stderr);
  const stop = () => {
    close?.();
    close = null;
    live.forget();
  };
  return {
    show(view) {
      live.keep(news.next(view));
      live.show(view);
    },
    say: text => live.notice(text),
    pause: stop,
    resume() {
      close ??= openProgress(live, cli.stderr);
      return Promise.resolve();
    },
    close: stop,
  };
}

/**
 * Loads ink and react, which takes a noticeable part of a second, so only when they draw. They learn from the environment
 * as it is at that moment whether to colour and which build of react to use; afterwards it is as it was.
 */
export async function loadTui(cli: Cli) {
  const before = new Map(['NODE_ENV', 'FORCE_COLOR', 'NO_COLOR'].map(name => [name, process.env[name]]));
  process.env['NODE_ENV'] = 'production';
  // Node warns on the terminal when both are there.
  Reflect.deleteProperty(process.env, 'NO_COLOR');
  if (!cli.print.hasColor(cli.stderr)) process.env['FORCE_COLOR'] = '0';
  try {
    const [live, progress, status] = await Promise.all([
      import('../tui/live-team.ts'),
      import('../tui/open-progress.tsx'),
      import('../tui/open-status.tsx'),
    ]);
    return {LiveTeam: live.LiveTeam, openProgress: progress.openProgress, openStatus: status.openStatus};
  } finally {
    for (const [name, value] of before) {
      if (value === undefined) Reflect.deleteProperty(process.env, name);
      else process.env[name] = value;
    }
  }
}

function silent(): Display {
  return {
    show: () => undefined,
    say: () => undefined,
    pause: () => undefined,
    resume: () => Promise.resolve(),
    close: () => undefined,
  };
}
