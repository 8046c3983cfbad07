import {expect, test} from 'vitest';
import {Progress} from '../../src/daemon/progress.ts';
import {attemptId, teamId} from '../../src/model/ids.ts';

test('the last lines of a team are forgotten when it is over, and no others', () => {
  const progress = new Progress();
  const [over, running] = [attemptId(1), attemptId(2)];
  progress.started(over, teamId(1));
  progress.started(running, teamId(2));
  for (const attempt of [over, running]) progress.printed(attempt, 'half way');
  progress.teamOver(teamId(1));
  expect(progress.lastLine(over)).toBeNull();
  expect(progress.printed(over, 'late')).toBeUndefined();
  expect(progress.lastLine(running)).toBe('half way');
});
