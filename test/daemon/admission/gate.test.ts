import fc from 'fast-check';
import {describe, expect, it} from 'vitest';
import {seededRandom} from '../../../src/base/random.ts';
import {allowance, elapse, type GateState, hear, nextRelease} from '../../../src/daemon/admission/gate.ts';
import type {ProviderSignalKind} from '../../../src/model/provider.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;

/** A gate with a clock of its own. */
class Gate {
  state: GateState | null = null;
  nowMs = 5_000_000;
  readonly #random = seededRandom(7);

  hear(kind: ProviderSignalKind, inFlight: number, retryAfterMs: number | null = null): this {
    const signal = {provider: 'anthropic', kind, retryAfterMs};
    this.state = hear(this.state, signal, {nowMs: this.nowMs, inFlight, random: this.#random});
    return this;
  }

  wait(ms: number): this {
    this.nowMs += ms;
    return this;
  }

  elapse(inFlight: number): this {
    if (this.state) this.state = elapse(this.state, {nowMs: this.nowMs, inFlight});
    return this;
  }

  get limit(): number | null | undefined {
    return this.state?.limit;
  }

  get allowed(): number {
    return this.state === null ? Number.POSITIVE_INFINITY : allowance(this.state, this.nowMs);
  }

  get pauseMs(): number {
    return this.state === null ? 0 : Math.max(0, this.state.notBeforeMs - this.nowMs);
  }
}

describe('a provider that throttles', () => {
  it('is not limited before it refuses anything', () => {
    expect(new Gate().hear('ok', 50).state).toBeNull();
  });

  it('is given half of what was in flight, once however many refusals one burst makes', () => {
    const gate = new Gate();
    for (let index = 0; index < 40; index += 1) gate.hear('throttled', 50 - index).wait(30);
    expect(gate.limit).toBe(25);
  });

  it('is left alone for as long as it asks, and a little longer', () => {
    const gate = new Gate().hear('throttled', 50, 30 * SECOND);
    expect(gate.pauseMs).toBeGreaterThanOrEqual(30 * SECOND);
    expect(gate.pauseMs).toBeLessThanOrEqual(34 * SECOND);
    expect(gate.wait(29 * SECOND).allowed).toBe(0);
    gate.hear('throttled', 10, MINUTE);
    expect(gate.wait(50 * SECOND).allowed).toBe(0);
  });

  it('is not lowered again by attempts beyond the limit that have not ended yet', () => {
    const gate = new Gate().hear('throttled', 50);
    expect(gate.wait(10 * SECOND).hear('throttled', 40).limit).toBe(25);
    expect(gate.wait(10 * SECOND).hear('throttled', 25).limit).toBe(12);
  });

  it('lets the waiting go one after the other when the pause is over', () => {
    const gate = new Gate().hear('throttled', 50, 0);
    gate.nowMs = gate.state?.notBeforeMs ?? 0;
    const allowed = Array.from({length: 30}, () => gate.wait(50).allowed);
    expect(allowed).toEqual(Array.from({length: 30}, (_, index) => Math.min(25, index + 2)));
  });

  it('says when the next one may go', () => {
    const gate = new Gate().hear('throttled', 50, SECOND);
    const {state} = gate;
    if (state === null) throw new Error('no gate');
    expect(nextRelease(state, gate.nowMs, 50)).toBe(state.notBeforeMs);
    expect(nextRelease(state, state.notBeforeMs, 50)).toBe(state.notBeforeMs + 50);
    expect(nextRelease(state, state.notBeforeMs, 1)).toBeNull();
    expect(nextRelease(state, state.notBeforeMs + MINUTE, 50)).toBeNull();
  });

  it('goes half the way up to where it refused for each round of answers while all of it is used', () => {
    const gate = new Gate().hear('throttled', 8).wait(5 * SECOND);
    const answered = (times: number, inFlight: number) => {
      for (let index = 0; index < times; index += 1) gate.hear('ok', inFlight);
      return gate.limit;
    };
    expect([answered(3, 4), answered(1, 4)]).toEqual([4, 6]);
    expect(answered(100, 2)).toBe(6);
    expect([answered(1, 5), answered(100, 7)]).toEqual([7, 7]);
    gate.wait(2 * MINUTE);
    expect(answered(1, 7)).toBe(8);
  });

  it('steps back a little when it refuses what it had allowed until then', () => {
    const gate = new Gate().hear('throttled', 40).wait(5 * SECOND);
    for (let index = 0; index < 300; index += 1) gate.hear('ok', 50);
    const {limit} = gate;
    expect(limit).toBeGreaterThan(25);
    expect(gate.wait(5 * SECOND).hear('throttled', limit ?? 0).limit).toBe(Math.floor((limit ?? 0) * 0.9));
  });

  it('gets more as time passes when nobody tells of answers', () => {
    const gate = new Gate().hear('throttled', 8).wait(5 * SECOND);
    expect(gate.elapse(4).limit).toBe(4);
    expect(gate.wait(MINUTE).elapse(1).limit).toBe(4);
    expect(gate.elapse(4).limit).toBe(6);
    expect(gate.elapse(5).limit).toBe(6);
  });

  it('is forgotten after an hour without a refusal', () => {
    expect(new Gate().hear('throttled', 8, MINUTE).wait(HOUR).elapse(3).state).not.toBeNull();
    expect(
      new Gate()
        .hear('throttled', 8, MINUTE)
        .wait(HOUR + 2 * MINUTE)
        .elapse(3).state,
    ).toBeNull();
  });
});

describe('a provider that is overloaded', () => {
  it('is paused for longer each time, and is given a little less', () => {
    const gate = new Gate();
    const pauses = [1, 2, 3, 4].map(() => {
      const {pauseMs} = gate.hear('overloaded', gate.limit ?? 50);
      gate.wait(pauseMs + 3 * SECOND);
      return pauseMs;
    });
    expect(gate.limit).toBe(20);
    expect(pauses).toEqual([...pauses].sort((a, b) => a - b));
    expect(pauses[0]).toBeLessThanOrEqual(SECOND);
    expect(pauses[3]).toBeLessThanOrEqual(8 * SECOND);
  });
});

describe('a provider whose quota is used up', () => {
  it('is closed until the time it names, and as it was then', () => {
    const gate = new Gate()
      .hear('throttled', 20)
      .wait(MINUTE)
      .hear('quota', 10, 2 * HOUR);
    expect(gate.wait(2 * HOUR - SECOND).allowed).toBe(0);
    expect(gate.wait(MINUTE).allowed).toBe(10);
  });

  it('is tried by one after growing pauses when it names none', () => {
    const gate = new Gate();
    const pauses = [1, 2, 3, 4, 5, 6, 7, 8, 9].map(() => {
      const {pauseMs} = gate.hear('quota', 1).hear('quota', 30);
      expect(gate.wait(pauseMs).allowed).toBe(1);
      expect(gate.wait(10 * SECOND).allowed).toBe(1);
      return pauseMs;
    });
    expect(pauses[0]).toBeGreaterThanOrEqual(MINUTE / 2);
    expect(pauses[0]).toBeLessThanOrEqual(MINUTE);
    expect(pauses[8]).toBeGreaterThanOrEqual(HOUR / 2);
    expect(pauses[8]).toBeLessThanOrEqual(HOUR);
  });

  it('is open when that one is answered, for one after the other', () => {
    const gate = new Gate().hear('quota', 30).hear('ok', 30);
    expect(gate.allowed).toBe(0);
    gate.wait(gate.pauseMs + SECOND).hear('ok', 1);
    expect(gate.allowed).toBe(1);
    expect(gate.wait(SECOND).allowed).toBe(21);
  });

  it('is open when that one has worked for a minute and nobody tells of answers', () => {
    const gate = new Gate().hear('quota', 30);
    gate.wait(gate.pauseMs + 2 * HOUR).elapse(0);
    expect(gate.elapse(1).allowed).toBe(1);
    gate.wait(MINUTE).elapse(1);
    expect(gate.wait(SECOND).allowed).toBe(21);
  });
});

const step = fc.record({
  kind: fc.constantFrom<ProviderSignalKind>('ok', 'ok', 'ok', 'throttled', 'quota', 'overloaded'),
  retryAfterMs: fc.option(fc.integer({min: -5, max: 1e12})),
  inFlight: fc.integer({min: 0, max: 200}),
  waitMs: fc.integer({min: 0, max: 200_000}),
});

describe('whatever is heard', () => {
  it('never shuts anybody out for good: the gate opens at a time that is known, and then for one at least', () => {
    fc.assert(
      fc.property(fc.array(step, {maxLength: 60}), steps => {
        const gate = new Gate();
        for (const {kind, retryAfterMs, inFlight, waitMs} of steps) {
          gate.hear(kind, inFlight, retryAfterMs).wait(waitMs).elapse(inFlight);
          const {state, nowMs} = gate;
          if (state === null) continue;
          expect(state.notBeforeMs - nowMs).toBeLessThanOrEqual(8 * 24 * HOUR);
          expect(allowance(state, Math.max(nowMs, state.notBeforeMs))).toBeGreaterThanOrEqual(1);
          expect(state.limit ?? 1).toBeGreaterThanOrEqual(1);
          expect(Number.isInteger(state.limit ?? 1)).toBe(true);
        }
      }),
    );
  });

  it('lowers the limit at most once in two seconds, and never to more than was in flight', () => {
    fc.assert(
      fc.property(fc.array(step, {maxLength: 60}), steps => {
        const gate = new Gate();
        let loweredMs = Number.NEGATIVE_INFINITY;
        for (const {kind, retryAfterMs, inFlight, waitMs} of steps) {
          const before = gate.limit ?? Number.POSITIVE_INFINITY;
          gate.wait(waitMs / 40).hear(kind, inFlight, retryAfterMs);
          const after = gate.limit ?? Number.POSITIVE_INFINITY;
          if (after >= before) continue;
          expect(kind === 'throttled' || kind === 'overloaded').toBe(true);
          expect(after).toBeLessThanOrEqual(Math.max(1, inFlight));
          expect(gate.nowMs - loweredMs).toBeGreaterThanOrEqual(2 * SECOND);
          loweredMs = gate.nowMs;
        }
      }),
    );
  });
});
