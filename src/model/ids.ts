/**
 * Ids are branded so that one cannot be passed for another. Numbers are given out by one daemon in increasing order and
 * never reused within a project; names and agent ids are what people see.
 */
declare const brand: unique symbol;
type Branded<T, B extends string> = T & {readonly [brand]: B};

/** Increasing number of a team within a project. */
export type TeamId = Branded<number, 'TeamId'>;
/** Index of a task within its team, from 0, in the order in which the plan (and then fan-out) created it. */
export type TaskSeq = Branded<number, 'TaskSeq'>;
/** Increasing over all attempts of a project. It is also the fencing token of the attempt's lease. */
export type AttemptId = Branded<number, 'AttemptId'>;
/** Team name and number, for example `audit-07`. */
export type AgentId = Branded<string, 'AgentId'>;
/** One run of a host process; a restarted host is a new host. */
export type HostId = Branded<string, 'HostId'>;

export const teamId = (value: number) => value as TeamId;
export const taskSeq = (value: number) => value as TaskSeq;
export const attemptId = (value: number) => value as AttemptId;
export const agentId = (value: string) => value as AgentId;
export const hostId = (value: string) => value as HostId;
