import {Box, Text} from 'ink';
import type {TeamView} from '../model/team-view.ts';
import {type BodyRow, bodyRows, windowOf} from './body-rows.ts';
import {TeamHeader} from './TeamHeader.tsx';
import {agentsText, branchText, costText, elapsedMs, usageText, waitingTexts} from './team-facts.ts';

/** What the screen is about at the moment. */
export type ScreenMode = 'watching' | 'help' | 'asking-to-kill' | 'killing';

export interface StatusScreenProps {
  readonly view: TeamView;
  readonly ageMs: number;
  readonly columns: number;
  readonly rows: number;
  /** First line of the scrollable part that is to be seen. */
  readonly offset: number;
  readonly mode: ScreenMode;
  /** Something to say above the keys: that the connection is lost, or what a kill answered. */
  readonly notice: string | null;
}

const WAITING_LINES = 3;

/** The full screen of `team status`. It always fits the terminal, so that nothing ever scrolls away. */
export function StatusScreen(props: StatusScreenProps) {
  const {view, ageMs, columns, rows, mode, notice} = props;
  const waiting = waitingTexts(view).slice(0, WAITING_LINES);
  const height = bodyHeight(view, rows, notice);
  const cost = agentLine(view);
  return (
    <Box flexDirection="column" width={columns} height={rows} overflow="hidden">
      <TeamHeader view={view} ageMs={ageMs} columns={columns} />
      <Text wrap="truncate">{agentsText(view)}</Text>
      <Text wrap="truncate">{usageText({...view, durationMs: elapsedMs(view, ageMs)})}</Text>
      {cost === null ? null : <Text wrap="truncate">{cost}</Text>}
      {waiting.map(text => (
        <Text key={text} wrap="truncate" color="yellow">
          {text}
        </Text>
      ))}
      <Text> </Text>
      <Box flexDirection="column" height={height} overflow="hidden">
        {mode === 'help' ? <Help /> : <Body {...props} height={height} />}
      </Box>
      {notice === null ? null : (
        <Text wrap="truncate" color="yellow">
          {notice}
        </Text>
      )}
      <Footer {...props} height={height} />
    </Box>
  );
}

/** What coding agents cost and where their work goes, where there are any. */
function agentLine(view: TeamView): string | null {
  const parts = [costText(view), branchText(view)].filter(text => text !== null);
  return parts.length === 0 ? null : parts.join(' · ');
}

/** Lines left for the scrollable part. */
export function bodyHeight(view: TeamView, rows: number, notice: string | null): number {
  const fixed =
    3 +
    2 +
    (agentLine(view) === null ? 0 : 1) +
    Math.min(view.waiting.length, WAITING_LINES) +
    1 +
    1 +
    (notice === null ? 0 : 1);
  return Math.max(1, rows - fixed);
}

function Body({view, ageMs, columns, offset, height}: StatusScreenProps & {readonly height: number}) {
  const all = bodyRows(view, ageMs);
  if (all.length === 0) return <Text dimColor>{emptyText(view)}</Text>;
  const shown = windowOf(all, offset, height);
  const taskWidth = Math.min(36, Math.max(12, Math.floor(columns * 0.32)));
  return shown.rows.map((row, index) => <Row key={shown.offset + index} row={row} taskWidth={taskWidth} />);
}

function Row({row, taskWidth}: {readonly row: BodyRow; readonly taskWidth: number}) {
  switch (row.kind) {
    case 'blank':
      return <Text> </Text>;
    case 'heading':
      return row.bad ? (
        <Text bold color="red" wrap="truncate">
          {row.text}
        </Text>
      ) : (
        <Text bold wrap="truncate">
          {row.text}
        </Text>
      );
    case 'failure':
      return (
        <Columns task={row.task} taskWidth={taskWidth} color="red">
          <Text wrap="truncate">{row.text}</Text>
        </Columns>
      );
    case 'running':
      return (
        <Columns task={row.task} taskWidth={taskWidth}>
          <Box width={14} flexShrink={0}>
            <Text wrap="truncate" dimColor>
              {row.agent}
            </Text>
          </Box>
          <Box width={11} flexShrink={0}>
            <Text wrap="truncate">{row.elapsed}</Text>
          </Box>
          <Text wrap="truncate" dimColor>
            {row.line}
          </Text>
        </Columns>
      );
  }
}

interface ColumnsProps {
  readonly task: string;
  readonly taskWidth: number;
  readonly color?: string;
  readonly children: React.ReactNode;
}

function Columns({task, taskWidth, color, children}: ColumnsProps) {
  return (
    <Box height={1}>
      <Box width={taskWidth} flexShrink={0} paddingRight={1}>
        <Text wrap="truncate-middle" {...(color === undefined ? {} : {color})}>
          {task}
        </Text>
      </Box>
      {children}
    </Box>
  );
}

function Help() {
  const keys = [
    ['q', 'leave this screen; the team goes on'],
    ['K', 'end the team (asks first)'],
    ['j k ↓ ↑', 'scroll by a line'],
    ['PgDn PgUp', 'scroll by a page'],
    ['g G', 'to the first and the last line'],
    ['?', 'this help, and back'],
  ] as const;
  return keys.map(([key, meaning]) => (
    <Box key={key} height={1}>
      <Box width={12} flexShrink={0}>
        <Text bold>{key}</Text>
      </Box>
      <Text wrap="truncate">{meaning}</Text>
    </Box>
  ));
}

function Footer({view, mode, ageMs, offset, height}: StatusScreenProps & {readonly height: number}) {
  if (mode === 'asking-to-kill') {
    return (
      <Text wrap="truncate" bold color="red">
        End team {view.team} and stop what it runs? y / n
      </Text>
    );
  }
  if (mode === 'killing') return <Text color="yellow">Ending the team…</Text>;
  if (mode === 'help') return <Text dimColor>{'? back   q quit'}</Text>;
  const total = bodyRows(view, ageMs).length;
  const shown = windowOf(Array.from({length: total}), offset, height);
  const place = total > height ? `   ${shown.offset + 1}–${shown.offset + shown.rows.length} of ${total}` : '';
  return (
    <Text wrap="truncate" dimColor>
      {`q quit   ? help${view.outcome === null ? '   K end the team' : ''}   j/k scroll${place}`}
    </Text>
  );
}

function emptyText({state, tasks}: TeamView): string {
  if (state === 'idle') return 'Agents are ready and have no plan.';
  if (tasks.total === 0) return 'No tasks.';
  return 'Nothing is running.';
}
