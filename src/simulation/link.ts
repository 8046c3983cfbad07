import type {Effect, Input} from '../federation/engine-io.ts';
import type {AgentId, AttemptId, TeamId} from '../model/ids.ts';
import type {Dice} from './dice.ts';
import type {VirtualTime} from './virtual-time.ts';

export type Report = Extract<
  Input,
  {type: 'agents-ready' | 'agents-failed' | 'attempt-verifying' | 'attempt-session' | 'attempt-finished' | 'breaker'}
>;

/** Told once, and missed by nobody when it is lost. */
export type Remark = Extract<Input, {type: 'provider-signal' | 'vitals'}>;

export type HostMessage =
  | {
      readonly type: 'hello';
      readonly holds: readonly AttemptId[];
      readonly agents: readonly AgentId[];
      readonly teams: readonly TeamId[];
      readonly paused: readonly AttemptId[];
      readonly beats: boolean;
    }
  | {readonly type: 'report'; readonly number: number; readonly report: Report}
  | {readonly type: 'remark'; readonly remark: Remark}
  | {readonly type: 'reaped'; readonly attempts: readonly AttemptId[]};

/** What the daemon sends to a host: the engine's effects that name one, and acknowledgements. */
export type HostEffect = Exclude<Extract<Effect, {hostId: unknown}>, {type: 'kill-host' | 'probe-host'}>;
export type DaemonMessage = HostEffect | {readonly type: 'ack'; readonly number: number};

export interface LinkEnd<Message> {
  receive(message: Message, link: Link): void;
  /** The link has broken; noticed some time after the fact. */
  lost(link: Link): void;
}

interface LinkOptions {
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly host: LinkEnd<DaemonMessage>;
  readonly daemon: LinkEnd<HostMessage>;
}

/** One connection between a host and one life of the daemon: in order while it lasts, then nothing more arrives. */
export class Link {
  readonly #time: VirtualTime;
  readonly #dice: Dice;
  readonly #ends: {readonly host: LinkEnd<DaemonMessage>; readonly daemon: LinkEnd<HostMessage>};
  #open = true;
  #lastToHostMs = 0;
  #lastToDaemonMs = 0;

  constructor({time, dice, host, daemon}: LinkOptions) {
    this.#time = time;
    this.#dice = dice;
    this.#ends = {host, daemon};
  }

  get isOpen(): boolean {
    return this.#open;
  }

  toHost(message: DaemonMessage): void {
    this.#lastToHostMs = this.#send(this.#lastToHostMs, () => this.#ends.host.receive(message, this));
  }

  toDaemon(message: HostMessage): void {
    this.#lastToDaemonMs = this.#send(this.#lastToDaemonMs, () => this.#ends.daemon.receive(message, this));
  }

  /** Whatever is under way is lost. */
  break(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#time.after(this.#dice.spread(1, 2000), () => this.#ends.host.lost(this));
    this.#time.after(this.#dice.spread(1, 2000), () => this.#ends.daemon.lost(this));
  }

  #send(notBeforeMs: number, deliver: () => void): number {
    const dueMs = Math.max(notBeforeMs, this.#time.now().monoMs + this.#dice.spread(0.05, 20));
    this.#time.at(dueMs, () => {
      if (this.#open) deliver();
    });
    return dueMs;
  }
}
