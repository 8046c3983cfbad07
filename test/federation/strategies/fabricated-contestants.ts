import {agentId} from '../../../src/model/ids.ts';
import {type AgentRecord, NOTHING_KNOWN} from '../../../src/federation/agent-record.ts';
import {FreeList} from '../../../src/federation/strategies/free-list.ts';
import {type Contestant, NO_PRIOR, type Pool, type Request} from '../../../src/federation/strategies/strategy.ts';

/** A contestant that the test can give something to do. */
export interface Puppet extends Contestant {
  load: number;
  hostLoad: number;
  turn: number;
  record: AgentRecord;
}

export function contestant(name: string, changes: Partial<Puppet> = {}): Puppet {
  return {
    id: agentId(name),
    slots: 1,
    load: 0,
    hostLoad: 0,
    turn: 0,
    record: NOTHING_KNOWN,
    handicap: 1,
    burden: 1,
    ...changes,
  };
}

export function contestants(count: number): Puppet[] {
  return Array.from({length: count}, (_, index) => contestant(`a-${index}`, {turn: index}));
}

export function poolOf(free: readonly Contestant[], changes: Partial<Pool> = {}): Pool {
  const list = new FreeList<Contestant>();
  for (const one of free) list.add(one);
  return {free: list, prior: NO_PRIOR, costPerHour: null, crowding: 0, ...changes};
}

export function request(changes: Partial<Request> = {}): Request {
  return {nowMs: 0, affinity: 'task', ...changes};
}
