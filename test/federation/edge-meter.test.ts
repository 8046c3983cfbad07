import {describe, expect, it} from 'vitest';
import {EdgeMeter} from '../../src/federation/edge-meter.ts';
import {Edges} from '../../src/federation/edges.ts';
import type {BreakerCounts, BreakerNews, BreakerState} from '../../src/model/edge.ts';
import {hostId} from '../../src/model/ids.ts';

const [h1, h2] = [hostId('host-1'), hostId('host-2')];

function news(state: BreakerState, counts?: BreakerCounts): BreakerNews {
  return {of: {kind: 'runtime', name: 'pi'}, state, detail: '', retryAfterMs: 1000, ...(counts ? {counts} : {})};
}

describe('what breakers have counted', () => {
  it('is the sum over all hosts, with the time that they are open now, and stays when a host is gone', () => {
    const meter = new EdgeMeter();
    meter.take(h1, news('open', {opens: 1, refusals: 0, openMs: 0}), 1000);
    meter.take(h1, news('open', {opens: 1, refusals: 2, openMs: 500}), 1500);
    meter.take(h2, news('half-open', {opens: 3, refusals: 1, openMs: 4000}), 1500);
    const of = {kind: 'runtime', name: 'pi'};
    expect(meter.views(2000)).toEqual([{of, open: 1, halfOpen: 1, opens: 4, refusals: 3, openMs: 5000}]);
    meter.hostGone(h2);
    meter.take(h1, news('closed', {opens: 1, refusals: 2, openMs: 800}), 2500);
    expect(meter.views(9000)).toEqual([{of, open: 0, halfOpen: 0, opens: 4, refusals: 3, openMs: 5000}]);
    // It never goes down, and on from there.
    meter.take(h1, news('closed', {opens: 2, refusals: 2, openMs: 1300}), 9500);
    expect(meter.views(9500)).toMatchObject([{openMs: 5300}]);
  });

  it('is counted once, however often it is said', () => {
    const meter = new EdgeMeter();
    const said = news('open', {opens: 2, refusals: 5, openMs: 70});
    for (let time = 0; time < 3; time += 1) meter.take(h1, said, 1000);
    meter.take(h1, news('open'), 1000);
    expect(meter.views(1000)).toMatchObject([{opens: 2, refusals: 5, openMs: 70}]);
  });

  it('is kept for so many runtimes and accounts only', () => {
    const meter = new EdgeMeter();
    for (let n = 0; n < 2000; n += 1) {
      meter.take(h1, {...news('open', {opens: 1, refusals: 0, openMs: 0}), of: {kind: 'provider', name: `p${n}`}}, 0);
    }
    expect(meter.views(0)).toHaveLength(500);
  });
});

it('a breaker that says again that it is half-open lets nothing more through while one is under way', () => {
  const edges = new Edges();
  const edge = news('half-open').of;
  edges.take(h1, news('half-open'), {wallMs: 0});
  edges.count(h1, [edge], 1);
  expect(edges.take(h1, news('half-open', {opens: 1, refusals: 1, openMs: 9}), {wallMs: 1})).toBe(false);
  expect(edges.obstacle(h1, [edge])).not.toBe(null);
  edges.count(h1, [edge], -1);
  expect(edges.obstacle(h1, [edge])).toBe(null);
});
