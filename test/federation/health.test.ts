import fc from 'fast-check';
import {expect, test} from 'vitest';
import {type Evidence, type Health, HEALTHY, nextHealth, worse} from '../../src/federation/health.ts';
import type {HealthState} from '../../src/model/health.ts';

const evidence: fc.Arbitrary<Evidence> = fc.oneof(
  fc.constant({kind: 'life'} as const),
  fc.record({kind: fc.constantFrom('quiet', 'confirmed', 'gone'), why: fc.constant('w')}),
);

/** The diagram in model/health.ts. */
const NEXT: Record<HealthState, readonly HealthState[]> = {
  healthy: ['suspect', 'dead'],
  suspect: ['healthy', 'unhealthy', 'dead'],
  unhealthy: ['healthy', 'dead'],
  dead: [],
};

test('states move only along the diagram', () => {
  fc.assert(
    fc.property(fc.array(evidence, {maxLength: 40}), all => {
      let health: Health = HEALTHY;
      for (const [index, one] of all.entries()) {
        const next = nextHealth(health, one, index);
        if (next.name !== health.name) expect(NEXT[health.name]).toContain(next.name);
        if (next.name === 'dead' && health.name !== 'dead') expect(one.kind).toBe('gone');
        health = next;
      }
    }),
  );
});

test('silence alone makes nobody more than suspect', () => {
  let health = HEALTHY;
  for (let times = 0; times < 10; times += 1) health = nextHealth(health, {kind: 'quiet', why: 'w'}, times);
  expect(health).toEqual({name: 'suspect', sinceMs: 0, why: 'w'});
});

test('of two states the worse one counts', () => {
  expect(worse('healthy', 'unhealthy')).toBe('unhealthy');
  expect(worse('dead', 'suspect')).toBe('dead');
});
