import type {AttemptId, HostId, TeamId} from '../model/ids.ts';
import type {Failure} from '../model/failure.ts';
import {fail, ok, type Result} from '../base/result.ts';
import type {DaemonMessage, HostMessage} from '../wire/host-protocol.ts';
import type {JsonSocket} from '../wire/json-socket.ts';
import type {FilePart} from './outputs.ts';

export type HostSocket = JsonSocket<DaemonMessage, HostMessage>;

interface Pending {
  readonly data?: (result: Result<FilePart, Failure>) => void;
  readonly reaped?: (attempts: readonly AttemptId[], ended: number) => void;
}

/** One connection of a host that has said hello: what is sent over it, and the answers that belong to requests. */
export class HostSession {
  readonly hostId: HostId;
  readonly #socket: HostSocket;
  readonly #pending = new Map<number, Pending>();
  #nextRequest = 1;
  #ackUpTo: number | null = null;

  constructor(hostId: HostId, socket: HostSocket) {
    this.hostId = hostId;
    this.#socket = socket;
  }

  send(message: DaemonMessage): void {
    this.#socket.send(message);
  }

  closeTeam(teamId: TeamId): void {
    this.send({type: 'close-team', teamId});
  }

  reap(attempts: readonly AttemptId[], reaped: NonNullable<Pending['reaped']>): void {
    this.send({type: 'reap', request: this.#ask({reaped}), attempts});
  }

  read(asked: {folder: string; file: string; offset: number; length: number}): Promise<Result<FilePart, Failure>> {
    return new Promise(resolve => {
      this.send({type: 'read', request: this.#ask({data: resolve}), ...asked});
    });
  }

  /** What follows from this report, and from all before it, is durable: the host may forget them. */
  acknowledge(report: number): void {
    this.#ackUpTo = Math.max(report, this.#ackUpTo ?? report);
  }

  /** Says in one message what has been acknowledged since the last time. */
  flushAcks(): void {
    if (this.#ackUpTo === null) return;
    this.send({type: 'ack', report: this.#ackUpTo});
    this.#ackUpTo = null;
  }

  /** Answers to requests; an answer to a request of an earlier connection is ignored. */
  answered(message: Extract<HostMessage, {type: 'data' | 'reaped'}>): void {
    const pending = this.#pending.get(message.request);
    this.#pending.delete(message.request);
    if (message.type === 'reaped') pending?.reaped?.(message.attempts, message.ended);
    else pending?.data?.(ok({data: Buffer.from(message.data, 'base64'), size: message.size}));
  }

  /** The connection is lost or replaced: no request of it will be answered. */
  end(): void {
    for (const {data} of this.#pending.values()) data?.(fail(hostLeft));
    this.#pending.clear();
    this.#socket.terminate();
  }

  #ask(pending: Pending): number {
    const request = this.#nextRequest;
    this.#nextRequest += 1;
    this.#pending.set(request, pending);
    return request;
  }
}

const hostLeft: Failure = {
  reason: 'daemon-unreachable',
  detail: 'The host that was reading the file went away.',
  hint: 'Try again.',
};
