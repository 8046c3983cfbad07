import {describe, expect, it} from 'vitest';
import {atCap} from '../../src/federation/budget.ts';

describe('a team at the cap of its budget', () => {
  it('ends or waits, as it was told', () => {
    const still = {isStill: true, obstacles: ['budget', 'nobody', 'gone']} as const;
    expect(atCap({...still, onBudget: 'stop'})).toBe('end');
    expect(atCap({...still, onBudget: 'pause'})).toBe('hold');
    expect(atCap({...still, onBudget: 'ask'})).toBe('hold');
  });

  it('goes on as long as something runs, can be started, or may be within the hour', () => {
    expect(atCap({onBudget: 'stop', isStill: false, obstacles: ['budget']})).toBe('go-on');
    for (const passing of ['agents', 'pace', 'provider', 'machine'] as const) {
      expect(atCap({onBudget: 'stop', isStill: true, obstacles: ['budget', passing]})).toBe('go-on');
    }
  });

  it('is not meant when it is not the budget that is in the way', () => {
    expect(atCap({onBudget: 'stop', isStill: true, obstacles: ['gone']})).toBe('go-on');
    expect(atCap({onBudget: 'stop', isStill: true, obstacles: []})).toBe('go-on');
  });
});
