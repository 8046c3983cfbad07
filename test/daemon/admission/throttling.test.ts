import {describe, expect, it} from 'vitest';
import {ThrottlingWorld, type WorldOptions} from './throttling-world.ts';

const TEN: WorldOptions = {
  seed: 1,
  capacity: 10,
  retryAfterMs: 1000,
  refused: 'ends',
  told: 'requests',
  projects: [1000],
};

/** How much of what the server can do was done: 1 is ten requests at a time from the first moment to the last. */
function throughput(options: WorldOptions): number {
  using world = new ThrottlingWorld(options);
  const ms = world.run();
  return world.servedMs / options.capacity / ms;
}

describe('a thousand attempts, fifty wanted at a time', () => {
  it.each([
    ['ends', 1000, 'requests'],
    ['stays', 1000, 'requests'],
    ['ends', null, 'requests'],
    ['stays', null, 'requests'],
    ['ends', 1000, 'attempts'],
    ['stays', 1000, 'attempts'],
  ] as const)(
    'keep nine of the ten busy that a server allows (a refused one %s, Retry-After %s ms, told of %s)',
    (refused, retryAfterMs, told) => {
      const share = throughput({...TEN, refused, retryAfterMs, told});
      console.log(
        `${(share * 100).toFixed(1)} % of what the server allows (a refused attempt ${refused}, ${retryAfterMs} ms)`,
      );
      expect(share).toBeGreaterThanOrEqual(0.9);
    },
  );

  it.each([1, 2, 3, 7, 19, 33])('find out that the server allows %s at a time', capacity => {
    using world = new ThrottlingWorld({...TEN, capacity, seed: capacity, projects: [capacity * 100]});
    const ms = world.run();
    expect(world.servedMs / capacity / ms).toBeGreaterThanOrEqual(0.88);
    expect(world.mostInFlight).toBeLessThanOrEqual(capacity + 1);
  });

  it('do not start all at once after a pause', () => {
    using world = new ThrottlingWorld(TEN);
    world.run();
    expect(world.projects[0]?.mostAtOnce).toBeLessThanOrEqual(3);
  });
});

describe('several projects', () => {
  it('share what a provider allows evenly, and use all of it', () => {
    using world = new ThrottlingWorld({...TEN, projects: [600, 600, 600]});
    const ms = world.run();
    expect(world.servedMs / 10 / ms).toBeGreaterThanOrEqual(0.9);
    expect(world.mostInFlight).toBeLessThanOrEqual(12);
    for (const done of world.firstDone ?? []) expect(done).toBeGreaterThan(500);
  });

  it('take turns where the provider allows one at a time', () => {
    using world = new ThrottlingWorld({...TEN, capacity: 1, projects: [200, 200]});
    world.run();
    for (const done of world.firstDone ?? []) expect(done).toBeGreaterThan(140);
  });

  it('leave their share to the others when they are done', () => {
    using world = new ThrottlingWorld({...TEN, projects: [100, 900]});
    const ms = world.run();
    expect(world.servedMs / 10 / ms).toBeGreaterThanOrEqual(0.88);
  });
});
