import {Box, Static, Text} from 'ink';
import type {TeamView} from '../model/team-view.ts';
import {type BodyRow, bodyRows} from './body-rows.ts';
import {TeamHeader} from './TeamHeader.tsx';
import {progressText, waitingTexts} from './team-facts.ts';

export interface ProgressViewProps {
  /** Null until the first view has come. */
  readonly view: TeamView | null;
  readonly ageMs: number;
  readonly columns: number;
  readonly rows: number;
  /** Lines that stay: failures as they happened. Only ever appended to. */
  readonly lasting: readonly string[];
  readonly notice: string | null;
  /** Two empty lines below the lines that stay, and nothing else. */
  readonly closing?: boolean;
}

/** Most lines of running tasks; the whole list is what `team status` is for. */
const RUNNING_LINES = 6;

/** What an attached `team spawn` or `team wait` shows while it waits: a few lines at the bottom, failures above them. */
export function ProgressView({view, ageMs, columns, rows, lasting, notice, closing = false}: ProgressViewProps) {
  return (
    <>
      <Static items={[...lasting]}>{line => <Text key={line}>{line}</Text>}</Static>
      {closing ? (
        <Box height={2} />
      ) : (
        <Box flexDirection="column" width={columns}>
          {view === null ? null : <Live view={view} ageMs={ageMs} columns={columns} rows={rows} />}
          {notice === null ? null : (
            <Text wrap="truncate" color="yellow">
              {notice}
            </Text>
          )}
        </Box>
      )}
    </>
  );
}

type LiveProps = Pick<ProgressViewProps, 'ageMs' | 'columns' | 'rows'> & {readonly view: TeamView};

function Live({view, ageMs, columns, rows}: LiveProps) {
  // Ink redraws the whole terminal for a frame as high as it is.
  if (rows < 7) return <Text wrap="truncate">{progressText(view.tasks)}</Text>;
  const running = bodyRows(view, ageMs).filter(isRunning);
  const shown = running.slice(0, Math.max(0, Math.min(RUNNING_LINES, rows - 7)));
  const more = view.tasks.running + view.tasks.verifying - shown.length;
  const [waiting] = waitingTexts(view);
  return (
    <Box flexDirection="column">
      <TeamHeader view={view} ageMs={ageMs} columns={columns} />
      {shown.map(row => (
        <Text key={row.agent} wrap="truncate" dimColor>
          {`  ${row.elapsed.padEnd(10)} ${row.task}${row.line === '' ? '' : `  ${row.line}`}`}
        </Text>
      ))}
      <Text wrap="truncate" dimColor>
        {[more > 0 ? `  and ${more} more running` : '', waiting ?? ''].filter(text => text !== '').join(' · ') || ' '}
      </Text>
    </Box>
  );
}

function isRunning(row: BodyRow): row is Extract<BodyRow, {kind: 'running'}> {
  return row.kind === 'running';
}
