import fc from 'fast-check';
import {describe, expect, test} from 'vitest';
import {HEALTH_DEFAULTS, type HealthDecision, HealthMonitor} from '../../src/federation/health-monitor.ts';
import type {ProcessProbe, Vitals} from '../../src/model/health.ts';
import {agentId, attemptId, hostId} from '../../src/model/ids.ts';

const host = hostId('h1');
const agent = agentId('a-01');
const attempt = attemptId(7);
const BEAT_MS = 500;

/** A monitor under a clock of its own, and a host that does as it is told. */
class Watch {
  nowMs = 1000;
  /** Whether it has something to do, so that it beats. */
  isExpected = true;
  readonly monitor = new HealthMonitor(
    {...HEALTH_DEFAULTS, hostLostMs: 30_000, isExpected: () => this.isExpected},
    this.now(),
  );
  readonly decisions: HealthDecision[] = [];
  process: ProcessProbe = {state: 'waiting', cpuMs: 0};
  isBeating = true;
  /** What the host says of the attempt with each beat. */
  vitals: Partial<Vitals> | null = null;
  /** When the attempt last gave a sign of life, by the clock of the host. */
  lifeMs = this.nowMs;
  wakes = 0;
  #beatMs = this.nowMs;
  #wakeMs: number | null = null;

  constructor({beats = false} = {}) {
    this.monitor.hostConnected(host, {beats}, this.now());
    this.#settle();
  }

  now() {
    return {monoMs: this.nowMs, wallMs: 0};
  }

  start(budgetMs: number): this {
    this.#with(() => this.monitor.attemptStarted({id: attempt, agent, host, budgetMs}, this.now()));
    this.vitals = {};
    this.lifeMs = this.nowMs;
    return this;
  }

  /** The connection is lost and made again. */
  reconnect(): this {
    this.#with(() => this.monitor.hostDisconnected(host, this.now()));
    this.#with(() => this.monitor.hostConnected(host, {beats: true}, this.now()));
    return this;
  }

  /** Lets time pass, with the process awake to see it. */
  run(ms: number): this {
    const endMs = this.nowMs + ms;
    for (;;) {
      const nextMs = Math.min(this.#wakeMs ?? Number.POSITIVE_INFINITY, this.#beatMs);
      if (nextMs > endMs) break;
      this.nowMs = Math.max(this.nowMs, nextMs);
      if (nextMs !== this.#beatMs) this.wakes += 1;
      this.#with(() => undefined);
      if (this.nowMs >= this.#beatMs) this.beat();
    }
    this.nowMs = endMs;
    return this;
  }

  /** Time passes, and this process has not been there. */
  sleep(ms: number): this {
    this.nowMs += ms;
    this.#beatMs = Math.max(this.#beatMs, this.nowMs + 1);
    this.#with(() => undefined);
    return this;
  }

  beat(): void {
    this.#beatMs = this.nowMs + BEAT_MS;
    if (!this.isBeating) return;
    this.#with(() => {
      this.monitor.beat(host, this.now());
      if (!this.vitals) return;
      const quiet = {attempt, processes: 1, cpuMs: 0, rssBytes: 0, outputBytes: 0};
      this.monitor.vitals(host, [{...quiet, silentMs: this.nowMs - this.lifeMs, ...this.vitals}], this.now());
    });
  }

  /** What was decided but to ask for a beat. */
  kinds(): string[] {
    return [...new Set(this.decisions.map(({kind}) => kind))].filter(kind => kind !== 'ask-beat');
  }

  #with(act: () => void): void {
    this.monitor.observe(this.now());
    act();
    this.monitor.check(this.now());
    this.#settle();
  }

  #settle(): void {
    for (let rounds = 0; rounds < 10; rounds += 1) {
      const decisions = this.monitor.takeDecisions();
      if (decisions.length === 0) break;
      this.decisions.push(...decisions);
      for (const {kind} of decisions) {
        if (kind === 'probe-host') this.monitor.probed(host, this.process, this.now());
        // Asked, it beats as soon as the message is there and back.
        if (kind === 'ask-beat' && this.isBeating) this.#beatMs = Math.min(this.#beatMs, this.nowMs + 5);
      }
    }
    this.#wakeMs = this.monitor.nextMs(this.now());
  }
}

describe('a host', () => {
  test('that beats is never asked anything, and is checked as rarely as a suspicion could arise', () => {
    const watch = new Watch().run(60_000);
    expect(watch.decisions).toEqual([]);
    // No oftener than it beats, however many there are.
    expect(watch.wakes).toBeLessThanOrEqual(60_000 / BEAT_MS);
  });

  test('that has work and hangs right after it has connected, before its first beat, is found out', () => {
    const watch = new Watch().start(600_000);
    watch.isBeating = false;
    watch.process = {state: 'stopped', cpuMs: 10};
    watch.reconnect().run(2000);
    expect(watch.kinds()).toContain('host-unhealthy');
  });

  test('that is stopped is unhealthy within 1.5 s, and is ended when it stays so', () => {
    const watch = new Watch().run(20_000);
    watch.isBeating = false;
    watch.process = {state: 'stopped', cpuMs: 10};
    watch.run(1000);
    expect(watch.kinds()).toEqual(['probe-host', 'suspect-host', 'host-unhealthy'].toSorted().toReversed());
    expect(watch.monitor.hostHealth(host)).toMatchObject({name: 'unhealthy', why: expect.stringContaining('SIGSTOP')});
    watch.run(5000);
    expect(watch.decisions.filter(({kind}) => kind === 'kill-host')).toHaveLength(1);
  });

  test('that goes on after a stop is healthy again and is not ended', () => {
    const watch = new Watch().run(20_000);
    watch.isBeating = false;
    watch.process = {state: 'stopped', cpuMs: 10};
    watch.run(1500);
    watch.isBeating = true;
    watch.run(60_000);
    expect(watch.monitor.hostHealth(host).name).toBe('healthy');
    expect(watch.kinds()).toContain('trust-host');
    expect(watch.kinds()).not.toContain('kill-host');
  });

  test('that was stopped again and again is found as soon as the first time', () => {
    const watch = new Watch().run(60_000);
    watch.process = {state: 'stopped', cpuMs: 10};
    for (let times = 0; times < 20; times += 1) {
      watch.run(2000);
      watch.isBeating = false;
      watch.run(1000);
      expect(watch.monitor.hostHealth(host).name).toBe('unhealthy');
      watch.isBeating = true;
    }
  });

  test('that hangs without being stopped is found by doing nothing', () => {
    const watch = new Watch().run(20_000);
    watch.isBeating = false;
    watch.run(2500);
    expect(watch.monitor.hostHealth(host).name).toBe('unhealthy');
  });

  test('that is busy is only suspect until it has been deaf for long, and is ended as late as one that is away', () => {
    const watch = new Watch().run(20_000);
    watch.isBeating = false;
    watch.process = {state: 'working', cpuMs: 10};
    watch.run(9000);
    expect(watch.monitor.hostHealth(host).name).toBe('suspect');
    watch.run(3000);
    expect(watch.monitor.hostHealth(host).name).toBe('unhealthy');
    expect(watch.kinds()).not.toContain('kill-host');
    watch.run(20_000);
    expect(watch.kinds()).toContain('kill-host');
  });

  test('of which nothing can be learned is not ended before its time', () => {
    const watch = new Watch().run(20_000);
    watch.isBeating = false;
    watch.process = {state: 'unknown', cpuMs: null};
    watch.run(29_000);
    expect(watch.kinds()).not.toContain('kill-host');
  });

  test('that has never beaten is not expected to', () => {
    const watch = new Watch();
    watch.isBeating = false;
    watch.run(60_000);
    expect(watch.decisions).toEqual([]);
  });
});

test.each(['working', 'waiting', 'stopped'] as const)(
  'a host that is %s and has been suspected is let alone when it has nothing to do any more',
  state => {
    const watch = new Watch();
    watch.run(5000);
    watch.isBeating = false;
    watch.process = {state, cpuMs: state === 'working' ? null : 0};
    watch.run(900);
    expect(watch.monitor.hostHealth(host).name).not.toBe('healthy');
    watch.isExpected = false;
    watch.run(120_000);
    expect(watch.kinds()).not.toContain('kill-host');
    expect(watch.monitor.hostHealth(host).name).toBe('healthy');
  },
);

test('a host that has said that it beats is expected to as soon as it has something to do', () => {
  const watch = new Watch({beats: true});
  watch.isBeating = false;
  watch.process = {state: 'stopped', cpuMs: 0};
  watch.run(60_000);
  expect(watch.decisions).toEqual([]);
  watch.start(60_000).run(1500);
  expect(watch.monitor.hostHealth(host).name).toBe('unhealthy');
});

describe('an attempt', () => {
  test('that is silent is stopped at its budget, which is said, whenever its host would beat next', () => {
    for (const budgetMs of [10_000, 10_010, 10_130, 10_250, 10_499]) {
      const watch = new Watch().start(budgetMs).run(11_000);
      const stop = watch.decisions.find(({kind}) => kind === 'stop-attempt');
      expect(stop).toMatchObject({attempt, host, failure: {reason: 'silent', budgetMs}});
      const silentMs = stop?.kind === 'stop-attempt' ? stop.failure.silentMs : 0;
      expect(silentMs).toBeGreaterThanOrEqual(budgetMs);
      expect(silentMs).toBeLessThan(budgetMs + 100);
      expect(watch.decisions.filter(({kind}) => kind === 'stop-attempt')).toHaveLength(1);
      expect(watch.decisions.filter(({kind}) => kind === 'ask-beat').length).toBeLessThan(3);
    }
  });

  test('whose connection is broken, which nobody knows yet, is judged by what is heard next', () => {
    for (const cutMs of [1, 40, 90]) {
      const watch = new Watch()
        .run(20_000)
        .start(1100)
        .run(1000 + cutMs);
      watch.isBeating = false;
      watch.run(100);
      expect(watch.kinds()).not.toContain('stop-attempt');
      // It has been at work all the time, and its host says so.
      watch.lifeMs = watch.nowMs;
      watch.isBeating = true;
      watch.run(BEAT_MS);
      expect(watch.kinds().filter(kind => kind.endsWith('-attempt'))).toEqual(['suspect-attempt', 'trust-attempt']);
      watch.run(1100 + BEAT_MS);
      expect(watch.kinds()).toContain('stop-attempt');
    }
  });

  test('that waits for a word of its host has nobody woken in vain', () => {
    const watch = new Watch().run(20_000).start(1100).run(1001);
    watch.isBeating = false;
    watch.wakes = 0;
    watch.run(BEAT_MS / 2);
    expect(watch.wakes).toBeLessThan(3);
    expect(watch.kinds()).not.toContain('stop-attempt');
  });

  test('that computes is not silent, and one that idles is', () => {
    const watch = new Watch().start(5000);
    for (let second = 1; second <= 30; second += 1) {
      watch.vitals = {cpuMs: second * 500};
      watch.run(1000);
    }
    expect(watch.kinds()).not.toContain('stop-attempt');
    for (let second = 1; second <= 30; second += 1) {
      watch.vitals = {cpuMs: 15_000 + second * 5};
      watch.run(1000);
    }
    expect(watch.kinds()).toContain('stop-attempt');
  });

  test('that prints now and then is trusted again', () => {
    const watch = new Watch().start(10_000).run(7000);
    expect(watch.kinds()).toEqual(['suspect-attempt']);
    watch.lifeMs = watch.nowMs;
    watch.run(7000);
    expect(watch.kinds()).toEqual(['suspect-attempt', 'trust-attempt']);
  });

  test('without a process is the business of its host', () => {
    const watch = new Watch().start(5000);
    watch.vitals = {processes: 0};
    watch.run(60_000);
    expect(watch.decisions).toEqual([]);
  });

  test('of which nothing is said is not judged', () => {
    const watch = new Watch().start(5000);
    watch.vitals = null;
    watch.run(60_000);
    expect(watch.decisions).toEqual([]);
  });

  test('that is paused, or whose host is not heard, does not use up its budget', () => {
    const watch = new Watch().start(10_000).run(3000);
    watch.monitor.pause(attempt, true, watch.now());
    watch.vitals = null;
    watch.run(60_000);
    watch.monitor.pause(attempt, false, watch.now());
    watch.isBeating = false;
    watch.process = {state: 'working', cpuMs: 0};
    watch.run(9000);
    watch.isBeating = true;
    watch.run(5000);
    expect(watch.kinds()).not.toContain('stop-attempt');
    watch.run(4000);
    expect(watch.kinds()).toContain('stop-attempt');
  });
});

test('whoever listens is told of the agent, until he ends it', () => {
  const watch = new Watch().start(10_000);
  const told: string[] = [];
  const end = watch.monitor.on('unhealthy', id => told.push(id));
  watch.run(11_000);
  expect(told).toEqual([agent]);
  expect(watch.monitor.agentHealth(agent, host).name).toBe('unhealthy');
  end();
  watch.lifeMs = watch.nowMs;
  watch.run(30_000);
  expect(told).toEqual([agent]);
});

test('however this process is held up, nobody who beats and lives is suspected for it', () => {
  const step = fc.oneof(
    fc.record({kind: fc.constant('run' as const), ms: fc.integer({min: 1, max: 5000})}),
    fc.record({kind: fc.constant('sleep' as const), ms: fc.integer({min: 1, max: 100_000_000})}),
  );
  fc.assert(
    fc.property(fc.array(step, {maxLength: 30}), steps => {
      const watch = new Watch().start(60_000).run(5000);
      for (const {kind, ms} of steps) {
        watch[kind](ms);
        watch.lifeMs = watch.nowMs;
      }
      expect(watch.decisions).toEqual([]);
    }),
  );
});

test('a jump of the clock by itself makes nothing unhealthy, also what was suspect already', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({min: 200, max: 100_000_000}), {minLength: 1, maxLength: 20}), jumps => {
      const watch = new Watch().start(20_000).run(15_000);
      for (const ms of jumps) watch.sleep(ms);
      expect(watch.kinds()).not.toContain('stop-attempt');
      expect(watch.kinds()).not.toContain('host-unhealthy');
      expect(watch.kinds()).not.toContain('kill-host');
    }),
  );
});

test('an attempt is not judged by what was lost with a connection', () => {
  const watch = new Watch({beats: true}).start(5000).run(2000);
  watch.monitor.hostDisconnected(host, watch.now());
  watch.monitor.hostConnected(host, {beats: true}, watch.now());
  watch.vitals = null;
  watch.run(10_000);
  expect(watch.decisions.filter(({kind}) => kind === 'stop-attempt')).toEqual([]);
});
