import {describe, expect, it} from 'vitest';
import {atCap} from '../../src/federation/budget.ts';

describe('a team at the cap of its budget', () => {
  const still = {isStill: true, obstacles: ['budget', 'lasting']} as const;

  it('ends, waits, or asks, as it was told', () => {
    expect(atCap({...still, onBudget: 'stop'})).toBe('end');
    expect(atCap({...still, onBudget: 'pause'})).toBe('hold');
    expect(atCap({...still, onBudget: 'ask'})).toBe('ask');
  });

  it('goes on as long as something runs, can be started, or may be within the hour', () => {
    expect(atCap({onBudget: 'stop', isStill: false, obstacles: ['budget']})).toBe('go-on');
    expect(atCap({onBudget: 'stop', isStill: true, obstacles: ['budget', 'passing']})).toBe('go-on');
    expect(atCap({onBudget: 'stop', isStill: true, obstacles: ['budget', 'pace']})).toBe('go-on');
  });

  it('is not meant when it is not the budget that is in the way', () => {
    expect(atCap({onBudget: 'stop', isStill: true, obstacles: ['lasting']})).toBe('go-on');
    expect(atCap({onBudget: 'stop', isStill: true, obstacles: []})).toBe('go-on');
  });
});
