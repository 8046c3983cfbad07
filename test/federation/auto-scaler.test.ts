import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {
  AutoScaler,
  decideScale,
  FIRST_STATE,
  type ScaleSignals,
  type Scaling,
} from '../../src/federation/auto-scaler.ts';
import type {Autoscale} from '../../src/model/autoscale.ts';

const SETTINGS: Autoscale = {
  min: 2,
  max: 50,
  scaleUpThreshold: 10,
  scaleDownThreshold: 0.2,
  idleMs: 30_000,
  maxCostPerHour: null,
};

const QUIET: ScaleSignals = {
  agents: 2,
  busySlots: 0,
  slots: 2,
  queued: 0,
  queuedWorkMs: null,
  waitP90Ms: 0,
  width: 1000,
  usdPerHour: null,
  slotsPerAgent: 1,
  idleMs: [],
  widthMayGrow: false,
  demands: [],
  usdPerAgentHour: null,
  mostSlots: Number.POSITIVE_INFINITY,
};

function decide(changes: Partial<ScaleSignals>, settings: Partial<Autoscale> = {}, nowMs = 100_000): Scaling {
  return decideScale({...SETTINGS, ...settings}, FIRST_STATE, {...QUIET, ...changes}, nowMs);
}

function target(changes: Partial<ScaleSignals>, settings: Partial<Autoscale> = {}): number {
  const {decision} = decide(changes, settings);
  return decision ? decision.to : (changes.agents ?? QUIET.agents);
}

const settings = fc
  .record({
    min: fc.integer({min: 0, max: 20}),
    more: fc.integer({min: 0, max: 80}),
    scaleUpThreshold: fc.integer({min: 0, max: 20}),
    scaleDownThreshold: fc.double({min: 0, max: 1, noNaN: true}),
    idleMs: fc.integer({min: 1, max: 60_000}),
    maxCostPerHour: fc.option(fc.double({min: 0, max: 20, noNaN: true})),
  })
  .map(({min, more, ...rest}): Autoscale => ({...rest, min, max: Math.max(1, min + more)}));

const signals = fc
  .record({
    busy: fc.integer({min: 0, max: 60}),
    idle: fc.array(fc.integer({min: 0, max: 100_000}), {maxLength: 40}),
    starting: fc.integer({min: 0, max: 5}),
    queued: fc.integer({min: 0, max: 500}),
    queuedWorkMs: fc.option(fc.integer({min: 0, max: 10_000_000})),
    waitP90Ms: fc.integer({min: 0, max: 60_000}),
    width: fc.integer({min: 0, max: 200}),
    widthMayGrow: fc.boolean(),
    price: fc.option(fc.double({min: 0.01, max: 2, noNaN: true})),
    later: fc.option(fc.record({inMs: fc.integer({min: 1, max: 10_000}), slots: fc.integer({min: 0, max: 100})})),
  })
  .map(({busy, idle, starting, price, later, ...rest}): ScaleSignals => {
    const agents = busy + idle.length + starting;
    const now = {atMs: 100_000, slots: busy + rest.queued};
    return {
      ...rest,
      agents,
      slots: agents,
      busySlots: busy,
      slotsPerAgent: 1,
      mostSlots: Number.POSITIVE_INFINITY,
      idleMs: idle.toSorted((a, b) => b - a),
      demands: later ? [now, {atMs: 100_000 + later.inMs, slots: later.slots}] : [],
      usdPerHour: price === null ? null : price * agents,
      usdPerAgentHour: price,
    };
  });

describe('what always holds of a decision', () => {
  it('keeps to min and max', () => {
    fc.assert(
      fc.property(settings, signals, (limits, now) => {
        const {decision} = decideScale(limits, FIRST_STATE, now, 100_000);
        const to = decision?.to ?? now.agents;
        expect(to).toBeGreaterThanOrEqual(limits.min);
        expect(to).toBeLessThanOrEqual(limits.max);
      }),
    );
  });

  it('starts no agent that the rest of the plan cannot use, beyond min', () => {
    fc.assert(
      fc.property(settings, signals, (limits, now) => {
        const {decision} = decideScale(limits, FIRST_STATE, now, 100_000);
        if (decision && decision.to > decision.from) {
          expect(decision.to).toBeLessThanOrEqual(Math.max(limits.min, now.width));
        }
      }),
    );
  });

  it('starts no agent that would cost more than the limit, beyond min', () => {
    fc.assert(
      fc.property(settings, signals, (limits, now) => {
        const {decision} = decideScale(limits, FIRST_STATE, now, 100_000);
        if (!decision || decision.to <= Math.max(decision.from, limits.min)) return;
        if (limits.maxCostPerHour === null || now.usdPerAgentHour === null) return;
        expect(decision.to * now.usdPerAgentHour).toBeLessThanOrEqual(limits.maxCostPerHour + 1e-6);
      }),
    );
  });

  it('takes away no agent that is at work, unless there are more than max', () => {
    fc.assert(
      fc.property(settings, signals, (limits, now) => {
        const {decision} = decideScale(limits, FIRST_STATE, now, 100_000);
        const to = decision?.to ?? now.agents;
        expect(to).toBeGreaterThanOrEqual(Math.min(limits.max, now.agents - now.idleMs.length));
      }),
    );
  });

  it('is never less for a longer queue', () => {
    fc.assert(
      fc.property(settings, signals, fc.integer({min: 0, max: 100}), (limits, now, more) => {
        const longer = {...now, demands: [], queued: now.queued + more};
        const to = (one: ScaleSignals) => decideScale(limits, FIRST_STATE, one, 100_000).decision?.to ?? one.agents;
        expect(to(longer)).toBeGreaterThanOrEqual(to({...now, demands: []}));
      }),
    );
  });

  it('changes nothing without saying so', () => {
    fc.assert(
      fc.property(settings, signals, (limits, now) => {
        const {decision} = decideScale(limits, FIRST_STATE, now, 100_000);
        if (decision) expect(decision.to).not.toBe(decision.from);
      }),
    );
  });

  it('comes to rest under a constant load', () => {
    fc.assert(
      fc.property(settings, fc.integer({min: 0, max: 80}), fc.integer({min: 0, max: 80}), (limits, load, first) => {
        let agents = first;
        let state = FIRST_STATE;
        const idleSince = new Map<number, number>();
        const changes: number[] = [];
        for (let nowMs = 0; nowMs < 300_000; nowMs += 500) {
          const busySlots = Math.min(load, agents);
          for (let agent = 0; agent < 200; agent += 1) {
            if (agent < busySlots || agent >= agents) idleSince.delete(agent);
            else if (!idleSince.has(agent)) idleSince.set(agent, nowMs);
          }
          const idleMs = [...idleSince.values()].map(since => nowMs - since).sort((a, b) => b - a);
          const free = {...limits, maxCostPerHour: null};
          const scaling = decideScale(
            free,
            state,
            {...QUIET, agents, slots: agents, busySlots, queued: load - busySlots, idleMs},
            nowMs,
          );
          state = scaling.state;
          if (scaling.decision) changes.push(scaling.decision.to - scaling.decision.from);
          agents = scaling.decision?.to ?? agents;
        }
        const turns = changes.filter((change, index) => index > 0 && change * (changes[index - 1] ?? 0) < 0);
        expect(turns).toEqual([]);
      }),
      {numRuns: 40},
    );
  });
});

describe('growing', () => {
  it('waits until more tasks than the threshold are queued, unless they have waited for long or there is no agent', () => {
    expect(target({busySlots: 2, queued: 10})).toBe(2);
    expect(target({busySlots: 2, queued: 11})).toBe(13);
    expect(target({busySlots: 2, queued: 3, waitP90Ms: 30_000})).toBe(5);
    expect(target({agents: 0, slots: 0, queued: 1}, {min: 0})).toBe(1);
  });

  it('takes a queue of 100 on at once, as a burst', () => {
    const {decision} = decide({busySlots: 2, queued: 100});
    expect(decision).toMatchObject({from: 2, to: 50, why: 'burst', inputs: {queued: 100, width: 1000}});
  });

  it('starts nobody for work that is over before an agent is there', () => {
    expect(target({busySlots: 2, queued: 100, queuedWorkMs: 100})).toBe(3);
    expect(target({busySlots: 2, queued: 100, queuedWorkMs: 5_000})).toBe(12);
  });

  it('starts so many at once and the others later, and says when', () => {
    const first = decide({queued: 500}, {max: 200});
    expect(first.decision?.to).toBe(52);
    expect(first.againAtMs).toBe(100_040);
    const signalsNow = {...QUIET, agents: 52, slots: 52, busySlots: 2, queued: 498};
    const second = decideScale({...SETTINGS, max: 200}, first.state, signalsNow, 101_000);
    expect(second.decision?.to).toBe(77);
  });

  it('counts slots, not agents', () => {
    expect(target({busySlots: 8, slots: 8, slotsPerAgent: 4, queued: 12})).toBe(5);
  });

  it('has agents there when the plan needs them, and is asked again in time', () => {
    const now = {atMs: 100_000, slots: 2};
    const coming = {busySlots: 2, slots: 2, demands: [now, {atMs: 100_500, slots: 30}]};
    expect(decide(coming).decision).toMatchObject({to: 30, why: 'width', inputs: {soon: 30}});
    const later = decide({busySlots: 2, demands: [now, {atMs: 105_000, slots: 30}]});
    expect(later.decision).toBeNull();
    expect(later.againAtMs).toBe(104_250);
    const unseen = decide({busySlots: 2, demands: [now]});
    expect(unseen.againAtMs).toBe(105_000);
  });

  it('starts nobody whom the machine or an account would not let work', () => {
    expect(target({agents: 12, slots: 12, busySlots: 12, queued: 100, mostSlots: 12})).toBe(12);
    expect(target({agents: 12, slots: 12, busySlots: 12, queued: 100, mostSlots: 15})).toBe(15);
  });

  it('ends where the cost per hour does', () => {
    const cost = {usdPerHour: 2 * 0.08, usdPerAgentHour: 0.08, queued: 500, width: 500};
    expect(target(cost, {maxCostPerHour: 1, max: 500})).toBe(12);
    expect(target({...cost, agents: 20, slots: 20, usdPerHour: 1.6, idleMs: [9, 8, 7]}, {maxCostPerHour: 1})).toBe(17);
    expect(target({queued: 500}, {maxCostPerHour: 1, max: 40})).toBe(40);
  });
});

describe('shrinking', () => {
  const idle = (count: number, ms: number) => Array.from({length: count}, () => ms);

  it('lets those go that have been idle for too long, half of the team at a time', () => {
    const first = decide({agents: 20, slots: 20, busySlots: 4, idleMs: [...idle(12, 30_000), ...idle(4, 10)]});
    expect(first.decision).toMatchObject({to: 10, why: 'idle'});
    const rest = {...QUIET, agents: 10, slots: 10, busySlots: 4, idleMs: [...idle(2, 30_000), ...idle(4, 10)]};
    expect(decideScale(SETTINGS, first.state, rest, 100_100).decision).toBeNull();
    expect(decideScale(SETTINGS, first.state, rest, 102_100).decision?.to).toBe(8);
  });

  it('lets idle ones go when little of the team is at work, once that has lasted', () => {
    const busy = decide({agents: 20, slots: 20, busySlots: 20});
    const slack = {...QUIET, agents: 20, slots: 20, busySlots: 3, idleMs: idle(17, 100)};
    const early = decideScale(SETTINGS, busy.state, slack, 101_000);
    expect(early.decision).toBeNull();
    expect(early.againAtMs).toBe(105_000);
    expect(decideScale(SETTINGS, early.state, slack, 105_001).decision).toMatchObject({to: 10, why: 'idle'});
  });

  it('keeps whom the plan will soon need again', () => {
    const demands = [
      {atMs: 100_000, slots: 1},
      {atMs: 103_000, slots: 15},
    ];
    expect(target({agents: 20, slots: 20, busySlots: 1, idleMs: idle(19, 40_000), demands})).toBe(15);
  });

  it('lets those go at once that the rest of the plan has no use for, unless it may get wider', () => {
    const end = {agents: 20, slots: 20, busySlots: 3, idleMs: idle(17, 1), width: 5};
    expect(decide(end).decision).toMatchObject({to: 5, why: 'width'});
    expect(decide({...end, widthMayGrow: true}).decision?.why).not.toBe('width');
  });

  it('leaves what is hardly too much alone', () => {
    const nearly = {agents: 20, slots: 20, busySlots: 19, idleMs: idle(1, 10)};
    expect(target(nearly, {scaleDownThreshold: 1})).toBe(20);
    expect(target({...nearly, busySlots: 17, idleMs: idle(3, 10)}, {scaleDownThreshold: 1})).toBe(17);
  });

  it('lets those without any more use go in steps, not one by one', () => {
    const first = decide({agents: 20, slots: 20, busySlots: 19, idleMs: [1], width: 19});
    expect(first.decision).toMatchObject({to: 19, why: 'width'});
    const next = {...QUIET, agents: 19, slots: 19, busySlots: 18, idleMs: [1], width: 18};
    const early = decideScale(SETTINGS, first.state, next, 100_500);
    expect([early.decision, early.againAtMs]).toEqual([null, 101_000]);
    expect(decideScale(SETTINGS, early.state, next, 101_000).decision?.to).toBe(18);
  });

  it('goes down to nobody when nothing is to be done, if min allows it', () => {
    const over = {agents: 2, slots: 2, idleMs: idle(2, 60_000), width: 0};
    expect(target(over, {min: 0})).toBe(1);
    expect(target({...over, agents: 1, slots: 1, idleMs: [60_000]}, {min: 0})).toBe(0);
    expect(target(over)).toBe(2);
  });

  it('does not take a lull for the end of a burst', () => {
    const burst = decide({busySlots: 2, queued: 100});
    const lull = {...QUIET, agents: 50, slots: 50, busySlots: 40, idleMs: idle(10, 60_000)};
    expect(decideScale(SETTINGS, burst.state, lull, 102_500).decision).toBeNull();
    expect(decideScale(SETTINGS, burst.state, lull, 103_000).decision?.to).toBe(40);
  });
});

describe('AutoScaler', () => {
  it('is made as the API says and remembers what it has decided', () => {
    const scaler = new AutoScaler({
      minAgents: 2,
      maxAgents: 50,
      scaleUpThreshold: 10,
      scaleDownThreshold: 0.2,
      maxCostPerHour: 10,
    });
    const price = {usdPerHour: 0.16, usdPerAgentHour: 0.08};
    expect(scaler.decide({...QUIET, ...price, queued: 100}, 0).decision?.to).toBe(50);
    expect(scaler.decide({...QUIET, ...price, queued: 100}, 1).decision?.to).toBe(4);
    expect(scaler.decide({...QUIET, agents: 60, slots: 60}, 2).decision).toMatchObject({to: 50, why: 'limits'});
  });
});

describe('what keeps a team from growing though tasks wait', () => {
  const full = {agents: 5, busySlots: 5, slots: 5, queued: 20};

  it('is said, and nothing when it grows or nobody waits', () => {
    expect(decide(full).heldBy).toBeNull();
    expect(decide({...full, queued: 0}, {max: 5}).heldBy).toBeNull();
    expect(decide(full, {max: 5}).heldBy).toBe('max');
    expect(decide({...full, usdPerHour: 0.4, usdPerAgentHour: 0.08}, {maxCostPerHour: 0.45}).heldBy).toBe('cost');
    expect(decide({...full, queued: 7}).heldBy).toBe('threshold');
    expect(decide({...full, queued: 7, unmanned: 1, agents: 50}, {max: 50}).heldBy).toBe('max');
    expect(decide({...full, mostSlots: 5}).heldBy).toBe('machine');
  });
});

describe('AutoScaler and what it cannot do', () => {
  it.each([
    [{minAgents: -1}, /minAgents is -1/],
    [{minAgents: 5, maxAgents: 2}, /maxAgents is 2, but must be a whole number from 5/],
    [{maxAgents: Number.NaN}, /maxAgents is NaN/],
    [{scaleUpThreshold: -1}, /scaleUpThreshold/],
    [{scaleDownThreshold: 1.5}, /scaleDownThreshold is 1.5/],
    [{maxCostPerHour: Number.NaN}, /maxCostPerHour/],
    [{idleMs: 0}, /idleMs is 0/],
  ])('refuses %j', (options, message) => {
    expect(() => new AutoScaler(options)).toThrow(message);
  });

  it('has the limits that its options name where none are given', () => {
    expect(new AutoScaler().settings).toMatchObject({min: 2, max: 50, scaleUpThreshold: 10, scaleDownThreshold: 0.2});
  });
});

describe('tasks that nobody who is there can do', () => {
  const idle = {agents: 1, slots: 3, slotsPerAgent: 3, queued: 1, unmanned: 1, idleMs: [0]};

  it('get somebody, however many slots are free', () => {
    expect(target({...idle, unmanned: 0}, {min: 0, scaleUpThreshold: 0})).toBe(1);
    expect(target(idle, {min: 0, scaleUpThreshold: 0})).toBe(2);
  });

  it('get nobody beyond the limit, for whom somebody idle makes room', () => {
    expect(target({...idle, busySlots: 1, idleMs: []}, {min: 0, max: 1})).toBe(1);
    expect(target({...idle, idleMs: [60_000]}, {min: 0, max: 1})).toBe(0);
  });
});
