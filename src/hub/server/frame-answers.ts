import {never} from '../../base/never.ts';
import type {EpisodeState} from '../../model/episode.ts';
import type {HubMessage} from '../../model/hub.ts';
import type {ClientFrame, HubStats} from '../../wire/hub-protocol.ts';
import {documentAction, type HubAction, keyAction, messageAction} from '../security/permissions.ts';
import type {DocumentCircles} from './document-circles.ts';
import type {HubConnection} from './hub-connection.ts';
import type {HubGauges} from './hub-gauges.ts';
import type {HubParts, Refusal} from './hub-parts.ts';
import {type Mailboxes, messageJson} from './mailboxes.ts';
import {type Member, subscriptionOf} from './member.ts';
import type {PushLane} from './push-lane.ts';
import type {TenantRoom} from './tenant-room.ts';
import {knowsRule, ruleJson} from './told-rule.ts';

type Of<Type extends ClientFrame['type']> = Extract<ClientFrame, {type: Type}>;

export interface AnswersParts {
  readonly parts: HubParts;
  readonly lane: PushLane;
  readonly mailboxes: Mailboxes;
  readonly circles: DocumentCircles;
  readonly gauges: HubGauges;
  /** Something is to be told at the end of this turn. */
  readonly wake: (room: TenantRoom) => void;
  /** Makes durable what was pushed in this turn, so that nobody is shown what is given up later. */
  readonly settle: () => void;
  readonly stats: (room: TenantRoom) => HubStats;
}

/** Who asks. */
export interface Asker {
  readonly connection: HubConnection;
  readonly member: Member;
  readonly room: TenantRoom;
}

/** What the hub does about each frame of an agent that is known. The tenant is always that of its token. */
export class FrameAnswers {
  readonly #with: AnswersParts;
  readonly #damaged = new Set<string>();

  constructor(parts: AnswersParts) {
    this.#with = parts;
  }

  answer(asker: Asker, frame: Exclude<ClientFrame, {type: 'hello' | 'refresh'}>): void {
    const {connection, member, room} = asker;
    const {permits} = this.#with.parts;
    const {role} = member.identity;
    const action = actionOf(frame, member.agentId);
    if (!permits(role, action)) {
      const refusal = {
        code: 'forbidden',
        message: `a ${role} may not do this (${action})`,
        retryAfterMs: null,
      } as const;
      return connection.refuse('id' in frame ? frame.id : null, refusal);
    }
    switch (frame.type) {
      case 'pull':
        return this.#pull(asker, frame);
      case 'push':
        this.#with.lane.take(room, member, frame);
        return this.#with.wake(room);
      case 'recall':
        return this.#recall(asker, frame);
      case 'get':
        return this.#get(asker, frame);
      case 'states':
        return this.#states(asker, frame);
      case 'presence':
        room.changed(member);
        member.show(frame.presence);
        this.#with.wake(room);
        return member.send({type: 'ok', id: frame.id});
      case 'who':
        member.socket.send(`{"type":"agents","id":${frame.id},"agents":[${room.who}]}`);
        return connection.throttle();
      case 'subscribe':
        member.subscription = subscriptionOf(frame.subscription);
        if (!member.subscription.presence) member.missed.agents.clear();
        return member.send({type: 'ok', id: frame.id});
      case 'message':
        return this.#message(asker, frame);
      case 'received':
        return this.#with.mailboxes.taken(room.tenant, member.agentId, frame.messages);
      case 'document': {
        const refusal = this.#with.circles.take(member, frame);
        if (refusal) connection.refuse(frame.id, refusal);
        return connection.throttle();
      }
      case 'key':
        return this.#key(asker, frame);
      case 'stats':
        return member.send({type: 'stats', id: frame.id, stats: this.#with.stats(room)});
      default:
        return never(frame);
    }
  }

  /** Only what is durable: what stands behind it in the store may yet be given up. */
  #pull({connection, member, room}: Asker, {id, since, limit}: Of<'pull'>): void {
    const {store, limits} = this.#with.parts;
    const {head} = room;
    this.#with.gauges.rates.pulls.add(1);
    room.rates.pulls.add(1);
    const rule = this.#with.parts.recallRule(room.tenant);
    const isNews = !knowsRule(member.rule, rule);
    member.rule = rule;
    if (since >= head) {
      const more = isNews ? ruleJson(rule) : '';
      member.socket.send(`{"type":"entries","id":${id},"entries":[],"head":${head},"more":false${more}}`);
      return;
    }
    const most = Math.min(limit, limits.pullEntries, head - since);
    const {entries, more, damaged = []} = store.pull(room.tenant, since, most, limits.pullBytes);
    if (damaged.length > 0) this.#tellDamage(room.tenant, damaged);
    const last = entries.at(-1)?.position ?? head;
    const recall = isNews ? {recall: rule} : {};
    member.send({type: 'entries', id, entries, head, more: more || last < head, ...recall});
    connection.throttle();
  }

  /** Each position once, as far as these are remembered. */
  #tellDamage(tenant: string, positions: readonly number[]): void {
    this.#with.gauges.damaged(positions.length);
    const fresh = positions.filter(position => !this.#damaged.has(JSON.stringify([tenant, position])));
    if (fresh.length === 0 || this.#damaged.size >= MOST_DAMAGED) return;
    for (const position of fresh) this.#damaged.add(JSON.stringify([tenant, position]));
    const which = fresh.slice(0, 10).join(', ');
    const detail = `${fresh.length} entries of tenant "${tenant}" are damaged (${which}) and were left out: see \`godel hub verify\``;
    this.#with.parts.onEvent({kind: 'upkeep-failed', what: 'log', detail});
  }

  #recall({connection, member, room}: Asker, {id, query, k, tags, onlySuccess, explain}: Of<'recall'>): void {
    const {recall, limits, onEvent} = this.#with.parts;
    if (!recall) {
      return connection.refuse(id, {code: 'unavailable', message: 'this hub does not search', retryAfterMs: null});
    }
    if (member.recalling >= limits.recallsAtOnce) {
      const message = `at most ${limits.recallsAtOnce} recalls of one connection at the same time`;
      return connection.refuse(id, {code: 'too-fast', message, retryAfterMs: RECALL_RETRY_MS});
    }
    this.#with.settle();
    member.recalling += 1;
    void recall
      .recall(room.tenant, {query, k, tags, onlySuccess, explain, by: member.identity})
      .then(
        memories => member.send({type: 'recalled', id, memories}),
        (error: unknown) => {
          onEvent({kind: 'unexpected', error});
          connection.refuse(id, {
            code: 'unavailable',
            message: 'the search failed; see the log of the hub',
            retryAfterMs: null,
          });
        },
      )
      .finally(() => {
        member.recalling -= 1;
        connection.throttle();
      });
  }

  #get({connection, member, room}: Asker, {id, episode}: Of<'get'>): void {
    this.#with.settle();
    const found = this.#with.parts.store.get(room.tenant, episode);
    if (!found) {
      const message = `there is no episode ${episode} in this tenant`;
      return connection.refuse(id, {code: 'not-found', message, retryAfterMs: null});
    }
    member.send({type: 'episode', id, entry: found.entry, state: found.state});
    connection.throttle();
  }

  #states({connection, member, room}: Asker, {id, episodes}: Of<'states'>): void {
    this.#with.settle();
    const {store, limits} = this.#with.parts;
    const states: (EpisodeState | null)[] = [];
    let chars = 0;
    for (const episode of episodes) {
      const found = store.get(room.tenant, episode);
      const state = found?.entry.kind === 'episode' ? found.state : null;
      chars += JSON.stringify(state).length;
      if (states.length > 0 && chars > limits.pullBytes) break;
      states.push(state);
    }
    member.send({type: 'states', id, states});
    connection.throttle();
  }

  #key({connection, member, room}: Asker, frame: Of<'key'>): void {
    const {keys} = this.#with.parts;
    if (!keys) {
      const message = 'this hub keeps no keys of agents';
      return connection.refuse(frame.id, {code: 'unavailable', message, retryAfterMs: null});
    }
    const refusal = keys.claim(member.identity, frame);
    if (refusal) return connection.refuse(frame.id, refusal);
    const {identity} = member;
    this.#with.lane.acknowledge({member, id: frame.id, undone: () => keys.undone(identity, frame)});
    this.#with.wake(room);
  }

  #message({connection, member, room}: Asker, {id, message}: Of<'message'>): void {
    const told: HubMessage = {...message, from: member.agentId, sentAtMs: this.#with.parts.wallMs()};
    const json = messageJson(told);
    const refusal = this.#refusalOf(room, told, json) ?? this.#pass(room, member, told, json);
    if (refusal) return connection.refuse(id, refusal);
    // After its delivery, which somebody may be waiting for.
    const isKept = message.to !== null && !room.members.has(message.to);
    room.acknowledge({member, id, isKept});
    this.#with.wake(room);
  }

  #refusalOf(room: TenantRoom, {id, from, to}: HubMessage, json: string): Refusal | null {
    const {limits, isKnown} = this.#with.parts;
    if (json.length > limits.messageBytes) {
      return {code: 'too-large', message: `a message may have ${limits.messageBytes} bytes`, retryAfterMs: null};
    }
    if (to !== null && !this.#with.mailboxes.isKnown(room.tenant, to)) {
      if (!isKnown(room.tenant, to)) {
        return {code: 'not-found', message: `agent ${to} has never been in this tenant`, retryAfterMs: null};
      }
      this.#with.mailboxes.see(room.tenant, to);
    }
    const owner = room.ownerOfMessage(id);
    if (owner === null || owner === from) return null;
    return {
      code: 'bad-frame',
      message: `message id ${id} is taken by another agent; make a new one`,
      retryAfterMs: null,
    };
  }

  /** One that has been sent before is only answered. */
  #pass(room: TenantRoom, member: Member, message: HubMessage, json: string): Refusal | null {
    const {id, from, to, topic, skills = [], priority} = message;
    if (room.ownerOfMessage(id) === from) return null;
    if (to === null) room.broadcast(member, {topic, skills, priority, json});
    else {
      const address = {tenant: room.tenant, agentId: to};
      const kept = this.#with.mailboxes.keep(address, {message, json}, performance.now());
      if (kept === 'full') {
        const text = `too many messages wait for agent ${to}`;
        return {code: 'limit-reached', message: text, retryAfterMs: MAILBOX_RETRY_MS};
      }
      room.deliver(to);
    }
    room.claimMessage(id, from);
    if (message.kind === 'task_assignment') {
      this.#with.parts.onEvent({kind: 'task-assigned', identity: member.identity, message: id, to, topic});
    }
    return null;
  }
}

const RECALL_RETRY_MS = 100;
const MAILBOX_RETRY_MS = 1000;
const MOST_DAMAGED = 10_000;

function actionOf(frame: Exclude<ClientFrame, {type: 'hello' | 'refresh'}>, agentId: string): HubAction {
  if (frame.type === 'key') return keyAction(frame, agentId);
  if (frame.type === 'message') return messageAction(frame.message);
  if (frame.type === 'document') return documentAction(frame);
  return frame.type;
}
