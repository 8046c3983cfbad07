import {expect, it} from 'vitest';
import {chaosRound} from './chaos-round.ts';

it.each([1, 2, 3, 4, 5])(
  'survives kill -9 of everything at random moments (seed %i)',
  {timeout: 300_000},
  async seed => {
    const {kills, attempts} = await chaosRound(seed);
    expect(kills.daemon + kills.host + kills.attempt).toBeGreaterThan(3);
    expect(attempts).toBeGreaterThanOrEqual(300);
  },
);
