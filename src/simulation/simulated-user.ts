import type {Input, RequestId} from '../federation/engine-io.ts';
import {isFinal} from '../model/team.ts';
import type {Dice} from './dice.ts';
import type {Tally} from './faults.ts';
import type {Ledger, LedgerTeam} from './ledger.ts';
import type {Answer, SimulatedDaemon} from './simulated-daemon.ts';
import type {SimulatedMachine} from './simulated-machine.ts';
import type {Wish} from './wish.ts';
import {hold} from './violation.ts';
import type {VirtualTime} from './virtual-time.ts';

export interface UserOptions {
  readonly wish: Wish;
  readonly daemon: SimulatedDaemon;
  readonly ledger: Ledger;
  readonly machine: SimulatedMachine;
  readonly time: VirtualTime;
  readonly dice: Dice;
  readonly tally: Tally;
  readonly nextRequest: () => RequestId;
}

type UserRequest = Extract<Input, {request: RequestId}>;

/** Spawns one team, perhaps ends it early, perhaps removes it; asks again when the daemon died before it answered. */
export class SimulatedUser {
  readonly #options: UserOptions;
  #ended = false;
  #removed = false;

  constructor(options: UserOptions) {
    this.#options = options;
  }

  get isSatisfied(): boolean {
    const {wish} = this.#options;
    const team = this.#team();
    if (!team || !isFinal(team.state)) return false;
    return (wish.endAfterMs === null || this.#ended) && (!wish.removes || this.#removed);
  }

  begin(): void {
    const {wish, time} = this.#options;
    time.after(wish.spawnAfterMs, () => this.#spawn());
  }

  #spawn(): void {
    const {wish, nextRequest} = this.#options;
    if (this.#team()) {
      this.#onSpawned();
      return;
    }
    const input: UserRequest = {type: 'spawn-team', request: nextRequest(), spec: wish.spec, nameTaken: wish.nameTaken};
    this.#ask(input, {
      answered: answer => {
        const team = this.#team();
        hold('a spawned team is recorded before it is announced', answer.ok && team !== undefined, () => {
          return `${wish.spec.name}: ${answer.ok ? 'no record' : answer.failure.reason}`;
        });
        this.#onSpawned();
      },
      again: () => this.#spawn(),
    });
  }

  #onSpawned(): void {
    const {wish, time, tally, dice} = this.#options;
    tally.add('teams spawned');
    if (wish.endAfterMs !== null) {
      time.after(wish.endAfterMs, () => this.#end());
      if (dice.chance(0.3)) time.after(wish.endAfterMs * dice.between(0.9, 1.1), () => this.#end());
    }
    if (wish.removes) time.after(10_000, () => this.#remove());
  }

  #end(): void {
    const {nextRequest, tally, machine} = this.#options;
    const team = this.#team();
    if (!team) return;
    if (!isFinal(team.state)) tally.add('teams ended by the user');
    this.#ask(
      {type: 'end-team', request: nextRequest(), teamId: team.id, by: 'user'},
      {
        answered: answer => {
          const over = isFinal(team.state) && machine.liveOf(team.id).length === 0;
          hold('the end of a team is announced when nothing of it runs', over, () => team.spec.name);
          // The answer to a removal may have been lost with its daemon.
          const removed = this.#options.ledger.removed.has(team.id);
          hold('who ends a team hears of it', answer.ok || removed, () => JSON.stringify(answer));
          this.#ended = true;
        },
        again: () => this.#end(),
      },
    );
  }

  /** Removes the team as soon as it is over; before that it is refused. */
  #remove(): void {
    const {nextRequest, time, dice} = this.#options;
    const team = this.#team();
    if (!team) return;
    this.#ask(
      {type: 'remove-team', request: nextRequest(), teamId: team.id},
      {
        answered: answer => {
          const gone = answer.ok || answer.failure.reason === 'team-not-found';
          hold('only a team that is over is removed', !gone || isFinal(team.state), () => team.spec.name);
          if (gone) this.#removed = true;
          else time.after(dice.spread(1_000, 60_000), () => this.#remove());
        },
        again: () => this.#remove(),
      },
    );
  }

  #ask(input: UserRequest, {answered, again}: {answered: (answer: Answer) => void; again: () => void}): void {
    const {daemon, time, dice} = this.#options;
    const later = () => time.after(dice.spread(100, 2000), again);
    if (!daemon.request(input, {answered, lost: later})) later();
  }

  #team(): LedgerTeam | undefined {
    const {ledger, wish} = this.#options;
    return [...ledger.teams.values()].find(team => team.spec.cwd === wish.spec.cwd);
  }
}
