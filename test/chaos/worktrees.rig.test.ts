import {expect, it} from 'vitest';
import {worktreeRound} from './worktree-round.ts';

it.each([3])(
  'loses no edit and leaves nothing behind, whatever is killed at random moments of work in worktrees (seed %i)',
  {timeout: 300_000},
  async seed => {
    const {kills, edits} = await worktreeRound(seed);
    expect(Object.values(kills).reduce((sum, count) => sum + count)).toBeGreaterThan(3);
    expect(edits).toBeGreaterThanOrEqual(32);
  },
);
