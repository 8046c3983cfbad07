import {Box, Text} from 'ink';
import {formatDuration} from '../base/duration.ts';
import type {TeamView} from '../model/team-view.ts';
import {bar, countFacts, doneFraction, elapsedMs, progressText, STATE_COLORS, type Tone} from './team-facts.ts';

const STYLES: Readonly<Record<Tone, {readonly color?: string; readonly bold?: boolean}>> = {
  good: {color: 'green'},
  bad: {color: 'red', bold: true},
  busy: {color: 'cyan'},
  plain: {},
};

export interface TeamHeaderProps {
  readonly view: TeamView;
  /** How old the view is, in milliseconds. */
  readonly ageMs: number;
  readonly columns: number;
}

/** Three lines: name, state and time; the bar; the counts by state. */
export function TeamHeader({view, ageMs, columns}: TeamHeaderProps) {
  const elapsed = elapsedMs(view, ageMs);
  const {full, empty} = bar(doneFraction(view.tasks), Math.max(10, Math.min(60, columns - 30)));
  return (
    <Box flexDirection="column">
      <Box justifyContent="space-between">
        <Text wrap="truncate">
          <Text bold>{view.team}</Text> <Text color={STATE_COLORS[view.state]}>{view.state}</Text>
        </Text>
        <Text>{formatDuration(Math.floor(elapsed / 1000) * 1000).replace('0 ms', '0 s')}</Text>
      </Box>
      <Text wrap="truncate">
        <Text color="green">{full}</Text>
        <Text dimColor>{empty}</Text> {progressText(view.tasks)}
      </Text>
      <Text wrap="truncate">
        {countFacts(view.tasks, {zeros: false}).map(({label, count, tone}, index) => (
          <Text key={label}>
            {index > 0 ? '  ' : ''}
            <Text {...STYLES[tone]}>
              {label} {count}
            </Text>
          </Text>
        ))}
      </Text>
    </Box>
  );
}
