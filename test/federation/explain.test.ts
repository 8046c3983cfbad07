import {expect, test} from 'vitest';
import {explainAgent, explainGone, explainTask, explainTeam} from '../../src/federation/explain.ts';
import {eventText, inputsText} from '../../src/federation/event-text.ts';
import type {AgentView} from '../../src/model/agent-view.ts';
import type {BreakerState} from '../../src/model/edge.ts';
import type {EventBody, StoredEvent} from '../../src/model/event.ts';
import {agentId, attemptId, hostId, taskSeq, teamId} from '../../src/model/ids.ts';
import type {AttemptRow, TaskRow} from '../../src/model/row.ts';
import type {TaskState} from '../../src/model/task.ts';
import {UNKNOWN_USAGE} from '../../src/model/usage.ts';
import {fabricatedView} from '../tui/fabricated-view.ts';

const [one, two, three] = ['a-1', 'a-2', 'a-3'].map(agentId) as [AgentView['id'], AgentView['id'], AgentView['id']];
const host = hostId('host-1');

/** In the order given, a second apart. */
function journal(...bodies: EventBody[]): StoredEvent[] {
  return bodies.map((body, index) => ({
    v: 1,
    cursor: index + 1,
    seq: index + 1,
    teamId: teamId(1),
    atMs: 1000 * (index + 1),
    body,
  }));
}

const row = (state: TaskState): TaskRow => ({
  seq: taskSeq(0),
  id: 'build',
  specIndex: 0,
  group: null,
  item: null,
  state,
  failures: 0,
  losses: 0,
  round: 1,
  attempts: 0,
});

const attempt = (number: number, outcome: AttemptRow['outcome'], endedAtMs: number | null = 2000): AttemptRow => ({
  id: attemptId(number),
  teamId: teamId(1),
  task: taskSeq(0),
  taskId: 'build',
  number,
  agentId: number === 1 ? one : two,
  hostId: host,
  leasedAtMs: 1000,
  endedAtMs,
  outcome,
});

const failed: AttemptRow['outcome'] = {
  result: {ok: false, failure: {reason: 'timed-out', timeoutMs: 60_000}},
  durationMs: 60_000,
  usage: UNKNOWN_USAGE,
  outputBytes: null,
};

const leased = (number: number, agent: AgentView['id']): Extract<EventBody, {type: 'attempt-leased'}> => ({
  type: 'attempt-leased',
  task: 'build',
  attempt: attemptId(number),
  number,
  agent,
  host,
});

const view = fabricatedView({waiting: [], warnings: [], endedBecause: null});

const explainedTask = (state: TaskState, more: Partial<Parameters<typeof explainTask>[0]> = {}) =>
  explainTask({view, task: row(state), attempts: [], obstacles: [], nowMs: 11_000, events: [], ...more});

test('a task that waits is explained by what keeps it, and by how its last attempt ended', () => {
  const {state, because} = explainedTask(
    {name: 'ready'},
    {obstacles: ['No agent is free for it: every agent is busy.'], attempts: [attempt(1, failed)]},
  );
  expect(state).toBe('ready');
  expect(because[0]).toBe('No agent is free for it: every agent is busy.');
  expect(because[1]).toMatch(/^Attempt 1 on a-1 failed: It ran longer than its timeout of 1 min/);
});

test('a task that runs says where, for how long, why there, and who was passed over', () => {
  const why = {
    strategy: 'least-connections',
    candidates: 3,
    compared: [
      {agent: two, score: 0.25},
      {agent: three, score: 1},
    ],
    avoided: [{agent: one, why: 'its last attempt at this task failed'}],
  };
  const {because, history} = explainedTask(
    {name: 'running', attempt: attemptId(2)},
    {attempts: [attempt(1, failed), attempt(2, null, null)], events: journal(leased(1, one), {...leased(2, two), why})},
  );
  expect(because[0]).toBe('Attempt 2 is at work on a-2 for 10 s.');
  expect(because[1]).toMatch(/^Attempt 1 on a-1 failed: /);
  expect(because.slice(2)).toEqual([
    'It went to a-2 of 3 agents that could do it and were free, by least-connections: 0.25 against 1 of a-3 (lower is better).',
    'a-1 was passed over: its last attempt at this task failed.',
  ]);
  expect(history.map(({atMs}) => atMs)).toEqual([2000, 1000]);
});

test.each<[TaskState, string | RegExp]>([
  [{name: 'backing-off', untilWallMs: 14_000}, 'It goes again in 3 s.'],
  [{name: 'failed', failure: {reason: 'timed-out', timeoutMs: 1000}}, /^It ran longer than its timeout of 1/],
  [{name: 'skipped', because: {cause: 'needs', task: null}}, 'A task that it needs did not succeed.'],
  [{name: 'cancelled', by: 'fail-fast'}, /^It was cancelled: /],
  [{name: 'succeeded'}, 'All of it is done.'],
])('a task that is %j says why', (state, why) => {
  const {because} = explainedTask(state);
  if (typeof why === 'string') expect(because[0]).toBe(why);
  else expect(because[0]).toMatch(why);
});

test('a team is explained by what its tasks wait for and by its last scaling, and tells its own history only', () => {
  const inputs = {
    agents: 2,
    busySlots: 2,
    slots: 2,
    queued: 8,
    queuedWorkMs: 16_000,
    waitP90Ms: 1200,
    width: 40,
    usdPerHour: 1.5,
  };
  const decision = {from: 2, to: 10, why: 'queue', inputs} as const;
  const {because, history, scaling} = explainTeam({
    view: fabricatedView({
      waiting: [{why: 'every agent is busy', tasks: 8}],
      warnings: ['Somebody should know this.'],
      endedBecause: null,
    }),
    events: journal({type: 'team-spawned', name: 'a', agents: 2, tasks: 50}, leased(1, one), {
      type: 'team-scaled',
      decision,
    }),
  });
  expect(because).toContain('8 tasks wait for an agent: every one that can do them is busy.');
  expect(because).toContain(
    'It has 50 agents; it last went from 2 to 10: tasks waited for an agent (8 waiting (16 s of work), 2 of 2 slots busy, waits up to 1.2 s, the plan can use 40, $1.50 an hour).',
  );
  expect(because.at(-1)).toBe('Somebody should know this.');
  expect(history).toHaveLength(2);
  expect(history[0]).toMatchObject({atMs: 3000, text: expect.stringMatching(/^From 2 to 10 agents: /)});
  expect(scaling).toEqual([{atMs: 3000, ...decision}]);
  expect(inputsText({from: 2, to: 3, why: 'asked', inputs: null})).toBe('somebody asked for it');
  expect(inputsText({from: 9, to: 3, why: 'width', inputs})).toMatch(/^the rest of the plan cannot use more \(/);
  expect(inputsText({from: 2, to: 9, why: 'width', inputs: {...inputs, soon: 9}})).toMatch(
    /^more tasks are about to become ready \(.*, 9 in a moment/,
  );
});

const agent: AgentView = {
  id: one,
  group: 'coder',
  runtime: 'claude',
  model: null,
  skills: [],
  state: 'idle',
  health: 'healthy',
  host,
  slots: 1,
  tasks: [],
  succeeded: 3,
  failed: 1,
  meanMs: 2000,
  errorRate: 0.25,
  breaker: 'closed',
  trips: 0,
  why: null,
};

test('an agent is explained by what speaks against it, its record, and what became of its own attempts', () => {
  const events = journal(
    leased(1, one),
    leased(2, two),
    {type: 'attempt-failed', task: 'build', attempt: attemptId(1), failure: {reason: 'no-change'}, retryInMs: null},
    {type: 'attempt-failed', task: 'test', attempt: attemptId(2), failure: {reason: 'no-change'}, retryInMs: null},
    {type: 'agents-changed', agents: [one, two], to: 'paused'},
    {type: 'agents-changed', agents: [two], to: 'gone'},
  );
  const asked = {...agent, breaker: 'open', health: 'suspect', why: 'its breaker is open for 20 s'} as const;
  const {because, history} = explainAgent({agent: asked, view, events});
  expect(because).toEqual([
    'It is given nothing: its breaker is open for 20 s.',
    'Its breaker is open: it has failed too often.',
    'Its health is suspect.',
    'Of its attempts 3 succeeded and 1 failed, 2 s on average, 25 % of the last ones failed.',
  ]);
  expect(history.map(({atMs}) => atMs)).toEqual([5000, 3000, 1000]);
});

test('an agent that is free says so', () => {
  expect(explainAgent({agent, view, events: []}).because[0]).toBe('It is free; no task waits.');
  const queue = fabricatedView({waiting: [{why: 'their turn', tasks: 2}]});
  expect(explainAgent({agent, view: queue, events: []}).because[0]).toContain('no task that waits is one');
});

test('an agent is explained by the breakers of what it works with, and by what it stands out in', () => {
  const of = (name: string, kind: 'runtime' | 'provider' = 'runtime', on = 'host-1') =>
    ({of: {kind, name}, host: on, state: 'half-open', detail: 'it broke', sinceMs: 0, untilMs: null}) as const;
  const breakers = [of('claude'), of('anthropic', 'provider'), of('pi'), of('claude', 'runtime', 'host-2')];
  const odd: AgentView = {...agent, anomalies: [{what: 'errors', value: 0.4, median: 0.01}]};
  const events = journal(
    {type: 'agent-anomaly', agent: one, what: 'memory', value: 4 * 1024 * 1024, median: 0},
    {type: 'agent-anomaly', agent: two, what: 'duration', value: 6, median: 1},
  );
  const {because, history} = explainAgent({agent: odd, view, events, breakers});
  expect(because.filter(text => text.startsWith('The breaker'))).toHaveLength(2);
  expect(because).toContain('It fails in 40 % of its attempts, others of its group in 1 %: others are preferred.');
  expect(history.map(({text}) => text)).toEqual(['a-1 grows by 4 MiB a second, others of its group by 0 B.']);
  const team = explainTeam({view, events, breakers});
  expect(team.because.filter(text => text.startsWith('The breaker'))).toHaveLength(4);
  expect(team.history[0]?.text).toBe('a-2 takes 6 times as long as is usual, others of its group 1 times.');
});

test('what becomes of the breaker of an agent is told', () => {
  const text = (state: BreakerState, forMs: number | null, trips: number) =>
    eventText({type: 'agent-breaker', agent: one, state, forMs, trips});
  expect(text('open', 60_000, 2)).toBe(
    `${one} has failed too often and is left out for 1 min; it was left out 1 time before.`,
  );
  expect(text('half-open', null, 2)).toBe(`${one} gets one task to show that it works.`);
  expect(text('closed', null, 2)).toBe(`${one} has shown that it works, and is given tasks again.`);
});

test('a team none of whose agents works just now says so in a sentence', () => {
  const none = fabricatedView({waiting: [{why: 'no agent works', tasks: 2}]});
  const {because} = explainTeam({view: none, events: []});
  expect(because).toContain('2 tasks wait for an agent: none of those that can do them works just now.');
});

/** What becomes of a host that is stopped while it has an attempt, between the lease and its loss. */
const hung = (atMs: number): StoredEvent[] =>
  journal(
    {type: 'host-health', host, health: 'suspect', why: 'it has not been heard for 900 ms'},
    {type: 'host-health', host, health: 'unhealthy', why: 'its process is stopped'},
    {type: 'host-health', host, health: 'dead', why: 'its process is stopped'},
    {type: 'host-health', host: hostId('host-2'), health: 'dead', why: 'another one'},
  ).map(event => ({...event, teamId: null, atMs, cursor: event.cursor + 1}));

const lost = {type: 'attempt-lost', task: 'build', attempt: attemptId(1), host} as const;

test('a host that was ended is part of the story of its tasks, its agents and the team', () => {
  const events = journal(leased(1, one), lost).map(event => ({...event, cursor: event.cursor * 10}));
  const hostEvents = hung(1500);
  const task = explainTask({
    view: fabricatedView(),
    task: row({name: 'ready'}),
    attempts: [attempt(1, null)],
    obstacles: [],
    events,
    hostEvents,
    nowMs: 5000,
  });
  expect(task.because).toEqual([
    'Attempt 1 on a-1 was lost with its host. host-1 was ended, as it was stuck: its process is stopped.',
  ]);
  expect(task.history.map(({text}) => text)).toContain('host-1 hung: its process is stopped.');
  expect(JSON.stringify(task)).not.toContain('host-2');
  const gone = explainGone(one, {events, hostEvents});
  expect(gone).toMatchObject({
    state: 'gone',
    because: ['It is no agent of the team any more.', 'It was given 1 attempt.'],
  });
  expect(gone?.history.map(({text}) => text)).toContain('host-1 was ended, as it was stuck: its process is stopped.');
  expect(JSON.stringify(gone)).not.toContain('host-2');
  const team = explainTeam({view: fabricatedView(), events, hostEvents});
  expect(team.history.map(({text}) => text)).toContain('host-1 hung: its process is stopped.');
  expect(JSON.stringify(team)).not.toContain('suspected');
  expect(explainGone(three, {events, hostEvents})).toBeNull();
});
