import {seededRandom} from '../../src/base/random.ts';
import {AgentSelector, type Selectable} from '../../src/federation/agent-selector.ts';
import type {AgentGroup} from '../../src/model/agent.ts';
import {type AgentId, agentId, hostId} from '../../src/model/ids.ts';
import type {StrategyName} from '../../src/model/strategy.ts';
import {median} from './table.ts';

const GROUPS: readonly AgentGroup[] = ['check', 'test', 'write', 'review', 'deploy'].map(name => ({
  name,
  count: 0,
  skills: [name, 'any'],
  runtime: 'command',
  model: null,
  costPerHour: 1,
  speed: 1,
  slots: 2,
}));
const EVERY_GROUP = GROUPS.map((_, group) => ({group}));
const KIND = {name: 'task', skills: ['any']};

interface Seat extends Selectable {
  load: number;
}

const RUNS = 3;
/** Choices until it runs as fast as it ever will. */
const WARM_UP = 10_000;

/**
 * CPU time it takes to find an agent and to note that it is at work, in microseconds: the median, and of a hundred the second longest.
 * Not the time by the clock, in which others have their turn. In a program that has chosen before, as a daemon has; and the same
 * choices are made three times over and each counts with its median, since what happens once in a while beside it (a compiler's
 * thread, caches emptied by others) is not its own.
 */
export function selectionUs(
  strategy: StrategyName,
  size: {agents: number; choices: number},
): {p50: number; p99: number} {
  timesOf(strategy, {agents: size.agents, choices: Math.max(size.choices, WARM_UP)});
  const [first = [], ...others] = Array.from({length: RUNS}, () => timesOf(strategy, size));
  const times = first.map((us, choice) => median([us, ...others.map(run => run[choice] ?? us)]));
  const sorted = times.slice(size.choices >> 2).sort((a, b) => a - b);
  const at = (share: number) => sorted[Math.floor(sorted.length * share)] ?? Number.NaN;
  return {p50: at(0.5), p99: at(0.99)};
}

/** Of one choice after the other, the same each time. */
function timesOf(strategy: StrategyName, {agents, choices}: {agents: number; choices: number}): readonly number[] {
  const random = seededRandom(5);
  const selector = new AgentSelector<Seat>({groups: GROUPS, strategy: {name: strategy}, random});
  const host = hostId('host');
  const seats = Array.from({length: agents}, (_, index): Seat => {
    return {id: agentId(`agent-${index}`), group: index % GROUPS.length, slots: 2, load: 0, host};
  });
  const busy: Seat[] = [];
  const timesUs: number[] = [];
  for (const seat of seats) selector.offer(seat);
  for (let choice = 0; choice < choices; choice += 1) {
    const nowMs = choice * 10;
    const avoid = choice % 10 === 0 ? new Map<AgentId, string>([[agentId('agent-1'), 'it has failed']]) : undefined;
    const from = process.cpuUsage();
    const taken = selector.take({
      nowMs,
      candidates: EVERY_GROUP,
      kind: KIND,
      affinity: `task ${choice}`,
      ...(avoid ? {avoid} : {}),
    });
    if (!taken) throw new Error('nobody is free');
    taken.agent.load += 1;
    selector.offer(taken.agent);
    const {user, system} = process.cpuUsage(from);
    timesUs.push(user + system);
    busy.push(taken.agent);
    // About half of the slots are at work.
    if (busy.length >= agents) release(selector, busy, {nowMs, random, task: `task ${choice}`});
  }
  return timesUs;
}

function release(
  selector: AgentSelector<Seat>,
  busy: Seat[],
  {nowMs, random, task}: {nowMs: number; random: () => number; task: string},
): void {
  const place = Math.floor(random() * busy.length);
  const seat = busy[place];
  const last = busy.pop();
  if (!seat || !last) return;
  if (place < busy.length) busy[place] = last;
  seat.load -= 1;
  const verdict = random() < 0.02 ? 'perhaps' : 'succeeded';
  selector.ended(seat, {task, kind: KIND, verdict, durationMs: 1000 * (1 + random()), usd: 0.01, nowMs});
  selector.offer(seat);
}
