import type {Input, RequestId} from '../federation/engine-io.ts';
import {groupsOf, isFinal} from '../model/team.ts';
import {isTerminal} from '../model/task.ts';
import type {AgentId} from '../model/ids.ts';
import type {Dice} from './dice.ts';
import type {Tally} from './faults.ts';
import {type LedgerTeam, livingOf} from './ledger-entries.ts';
import type {Ledger} from './ledger.ts';
import type {Order} from './orders.ts';
import type {Answer, SimulatedDaemon} from './simulated-daemon.ts';
import type {SimulatedMachine} from './simulated-machine.ts';
import type {Wish} from './wish.ts';
import {hold} from './violation.ts';
import {mayDo} from './who-does-it.ts';
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

/** So often somebody looks whether a team needs a hand. */
const TENDING_MS = 300_000;

type UserRequest = Extract<Input, {request: RequestId}>;

/**
 * Spawns one team, gives it orders, perhaps ends it early, takes it up again or removes it; asks again when the daemon died before it
 * answered. Whatever it was that stops the team in the end, it sees to.
 */
export class SimulatedUser {
  readonly #options: UserOptions;
  #ended = false;
  #removed = false;
  #revivals = 0;
  /** Plans that it has been given. */
  #plans = 0;

  constructor(options: UserOptions) {
    this.#options = options;
  }

  get isSatisfied(): boolean {
    const {wish} = this.#options;
    const team = this.#team();
    if (!team || !isFinal(team.state)) return false;
    if (this.#revivals < wish.revivals && !this.#removed) return false;
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
    for (const order of wish.orders) time.after(order.afterMs, () => this.#order(order));
    if (wish.plans.length > 0) time.after(dice.spread(10, 20_000), () => this.#giveWork());
    if (wish.revivals > 0) time.after(dice.spread(1000, 60_000), () => this.#revive());
    this.#tend();
  }

  /** What nobody does again when it was lost: the daemon may have done it or not. */
  #order(order: Order): void {
    const {tally, time} = this.#options;
    const team = this.#team();
    if (!team || isFinal(team.state)) return;
    const {id: teamId} = team;
    const request = this.#options.nextRequest();
    tally.add(`order: ${order.what}`);
    switch (order.what) {
      case 'count': {
        const {count, group} = order;
        return this.#tell({type: 'scale-team', request, teamId, change: {count, ...(group ? {group} : {})}});
      }
      case 'autoscale':
        return this.#tell({type: 'scale-team', request, teamId, change: {autoscale: order.autoscale}});
      case 'strategy':
        return this.#tell({type: 'scale-team', request, teamId, change: {strategy: order.strategy}});
      case 'pause':
        this.#tell({type: 'pause', request, teamId, agent: null});
        return time.after(order.forMs, () => this.#resume(null));
      case 'pause-agent': {
        const agent = this.#anyAgent(team);
        if (agent === null) return;
        this.#tell({type: 'pause', request, teamId, agent});
        return time.after(order.forMs, () => this.#resume(agent));
      }
      case 'retry': {
        const over = team.tasks.filter(({state}) => isTerminal(state.name)).map(({id}) => id);
        const some = over.length > 0 ? [this.#options.dice.pick(over)] : [];
        const tasks = order.tasks === 'some' ? some : order.tasks;
        return this.#tell({type: 'retry-team', request, teamId, tasks, stored: null});
      }
      default: {
        const agent = this.#anyAgent(team);
        if (agent !== null) this.#tell({type: 'agent-order', request, teamId, agent, what: order.what});
      }
    }
  }

  #resume(agent: AgentId | null): void {
    const team = this.#team();
    if (!team || isFinal(team.state)) return;
    const request = this.#options.nextRequest();
    this.#tell({type: 'resume', request, teamId: team.id, agent});
  }

  #anyAgent(team: LedgerTeam): AgentId | null {
    const agents = livingOf(team);
    return agents.length > 0 ? this.#options.dice.pick(agents) : null;
  }

  /** Gives the team its next plan as soon as it has nothing to do. */
  #giveWork(): void {
    const {wish, nextRequest, tally, time, dice} = this.#options;
    const team = this.#team();
    const plan = wish.plans[this.#plans];
    if (!team || isFinal(team.state) || !plan) return;
    const again = () => time.after(dice.spread(500, 20_000), () => this.#giveWork());
    const before = team.spec.plan?.tasks.length ?? 0;
    this.#ask(
      {type: 'run-plan', request: nextRequest(), teamId: team.id, plan, secretNames: []},
      {
        answered: answer => {
          const reason = answer.ok ? null : answer.failure.reason;
          const isKnown = reason === null || reason === 'team-busy' || reason === 'team-over';
          hold('a team without work takes a plan', isKnown, () => `${team.spec.name}: ${reason}`);
          if (reason === null) {
            tally.add('plan given to an idle team');
            const after = team.spec.plan?.tasks.length ?? 0;
            hold('a plan that was taken is there', after >= before + plan.tasks.length, () => team.spec.name);
            this.#plans += 1;
          }
          again();
        },
        again,
      },
    );
  }

  /** Takes the team up again when it is over, with what has not succeeded. */
  #revive(): void {
    const {wish, daemon, nextRequest, time, dice, tally} = this.#options;
    const team = this.#team();
    if (!team || this.#removed || this.#revivals >= wish.revivals) return;
    const later = () => time.after(dice.spread(1000, 60_000), () => this.#revive());
    if (!isFinal(team.state)) return later();
    const stored = daemon.loadTeam(team.id);
    // Whether or not the answer arrives.
    if (wish.willBeEnded) time.after(wish.endAfterMs ?? 60_000, () => this.#end());
    this.#tend();
    const tasks = dice.pick(['failed', 'all'] as const);
    this.#ask(
      {type: 'retry-team', request: nextRequest(), teamId: team.id, tasks, stored},
      {
        answered: answer => {
          this.#revivals += 1;
          if (answer.ok) {
            tally.add('team taken up again');
          }
          later();
        },
        again: later,
      },
    );
  }

  /** Resumes what somebody has forgotten, pays when the money is used up, and sees to it that there is somebody for each task. */
  #tend(): void {
    const {time, nextRequest, tally} = this.#options;
    time.after(TENDING_MS, () => {
      const team = this.#team();
      if (!team || isFinal(team.state)) return;
      const {id: teamId} = team;
      this.#tend();
      if (team.settings.paused) {
        const {usd = null, tokens = null} = team.budget ?? {};
        const budget = {usd: usd && usd * 4 + 1, tokens: tokens && tokens * 4 + 400_000};
        tally.add('budget raised');
        this.#tell({type: 'resume', request: nextRequest(), teamId, agent: null, ...(team.budget ? {budget} : {})});
      }
      for (const [agent, standing] of team.standings) {
        if (standing === 'paused') this.#tell({type: 'resume', request: nextRequest(), teamId, agent});
      }
      const views = this.#options.daemon.engine?.agents(teamId, {now: time.now()}) ?? [];
      const broken = new Set(views.flatMap(({id, state}) => (state === 'gone' ? [id] : [])));
      const group = uncovered(team, broken);
      if (group === null) return;
      tally.add('somebody hired for a task that nobody could do');
      this.#tell({type: 'scale-team', request: nextRequest(), teamId, change: {group, count: 1}});
    });
  }

  #tell(input: UserRequest): void {
    const {daemon} = this.#options;
    daemon.request(input, {answered: () => {}, lost: () => {}});
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
          // In the tick that answers, somebody may have taken it up again.
          const isAgain = answer.ok && isFinal(answer.value.state) && !isFinal(team.state);
          const over = isAgain || (isFinal(team.state) && machine.liveOf(team.id).length === 0);
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

/** A group whose agents could do a task that none of those left can do. */
function uncovered(team: LedgerTeam, broken: ReadonlySet<AgentId>): string | null {
  const living = livingOf(team).flatMap(id => (broken.has(id) ? [] : (team.agents.get(id) ?? [])));
  for (const task of team.tasks) {
    if (isTerminal(task.state.name) || living.some(group => mayDo(group, task))) continue;
    const able = groupsOf(team.spec).find(group => mayDo(group, task));
    if (able) return able.name;
  }
  return null;
}
