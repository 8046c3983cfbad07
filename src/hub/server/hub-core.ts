import {randomUUID} from 'node:crypto';
import type {Result} from '../../base/result.ts';
import type {HubIdentity} from '../../model/hub.ts';
import {type ClientFrame, HUB_PROTOCOL, type HubStats} from '../../wire/hub-protocol.ts';
import type {HubSocket} from '../../wire/hub-socket.ts';
import {Arrivals, addressOf} from './arrivals.ts';
import {DocumentCircles} from './document-circles.ts';
import {FrameAnswers} from './frame-answers.ts';
import {type ConnectionOwner, type Hello, HubConnection} from './hub-connection.ts';
import {HubRooms} from './hub-rooms.ts';
import {HubGauges, type HubRates} from './hub-gauges.ts';
import type {HubLimits} from './hub-limits.ts';
import type {AuthFailure, HubParts, LeftWhy, Refusal} from './hub-parts.ts';
import {Mailboxes} from './mailboxes.ts';
import {Member, subscriptionOf} from './member.ts';
import {PushLane} from './push-lane.ts';
import type {TenantRoom} from './tenant-room.ts';
import {TokenWatch} from './token-watch.ts';

const SWEEP_MS = 1000;
const RETRY_MS = 1000;

/**
 * The hub without its listening socket: who is connected, in which tenant, and the turns in which everything that came at the
 * same time is made durable and told together.
 */
export class HubCore implements ConnectionOwner {
  readonly limits: HubLimits;
  readonly arrivals: Arrivals;
  readonly gauges = new HubGauges();
  readonly #parts: HubParts;
  readonly #rooms: HubRooms;
  readonly #connections = new Map<Member, HubConnection>();
  readonly #perAddress = new Map<string, number>();
  readonly #mailboxes: Mailboxes;
  readonly #circles: DocumentCircles;
  readonly #answers: FrameAnswers;
  readonly #tokens: TokenWatch;
  #sweep: NodeJS.Timeout | undefined;
  #startedMs = 0;

  constructor(parts: HubParts) {
    this.#parts = parts;
    this.limits = parts.limits;
    this.arrivals = new Arrivals(parts.limits);
    const isPresent = (tenant: string, agentId: string) => this.#rooms.find(tenant)?.members.has(agentId) === true;
    this.#mailboxes = new Mailboxes(parts.limits, isPresent, parts.mail);
    this.#circles = new DocumentCircles(parts.documents, parts.limits);
    const unexpected = (error: unknown) => this.unexpected(error);
    const {auth, wallMs, limits} = parts;
    this.#tokens = new TokenWatch({auth, wallMs, graceMs: limits.refreshGraceMs, unexpected});
    const lane = new PushLane(parts, this.gauges);
    this.#rooms = new HubRooms({
      store: parts.store,
      limits: parts.limits,
      lane,
      mailboxes: this.#mailboxes,
      mail: parts.mail,
      recallRule: parts.recallRule,
      unexpected,
    });
    this.#answers = new FrameAnswers({
      parts,
      lane,
      mailboxes: this.#mailboxes,
      circles: this.#circles,
      gauges: this.gauges,
      wake: room => this.#rooms.wake(room),
      settle: () => this.#rooms.settle(),
      stats: room => this.#statsOf(room.tenant, room.members.size, room.rates),
    });
  }

  start(): void {
    this.#startedMs = this.nowMs();
    this.gauges.start();
    this.#sweep ??= setInterval(() => this.#look(), SWEEP_MS).unref();
  }

  /** Answers what has been taken, says goodbye to everybody, and keeps nothing running. */
  stop(): void {
    this.#rooms.flush();
    for (const connection of [...this.#connections.values()]) connection.goAway();
    clearInterval(this.#sweep);
    this.#rooms.stop();
    this.#sweep = undefined;
    this.gauges.stop();
    this.arrivals.close();
  }

  settle(): void {
    this.#rooms.settle();
  }

  get connected(): number {
    return this.#connections.size;
  }

  /** Takes a WebSocket that has not said anything yet. */
  attach(socket: HubSocket): void {
    const connection = new HubConnection(socket, this);
    this.arrivals.onDeadline(socket.stream, () => {
      connection.end('too-slow', `no good hello came within ${this.limits.helloMs} ms`);
    });
    connection.listen();
  }

  stats(): HubStats {
    return this.#statsOf(null, this.#connections.size, this.gauges.rates);
  }

  nowMs(): number {
    // Not `readClock`, which reads a 64-bit counter: this is asked several times per frame.
    return performance.now();
  }

  hello(connection: HubConnection, hello: Hello): void {
    if (!hello.versions.includes(HUB_PROTOCOL)) {
      const older = hello.versions.every(version => version < HUB_PROTOCOL);
      const advice = older ? 'update the client' : 'update the hub';
      connection.end('unsupported-version', `this hub speaks version ${HUB_PROTOCOL} only; ${advice}`);
      return;
    }
    void this.#parts.auth.verify(hello.token, connection.socket.certificate).then(
      verified =>
        this.#guard(connection, () => {
          if (verified.ok) this.#join(connection, hello, verified.value);
          else connection.end(verified.failure.code, verified.failure.message);
        }),
      (error: unknown) => {
        this.unexpected(error);
        connection.end('internal', 'the token could not be verified; see the log of the hub');
      },
    );
  }

  frame(connection: HubConnection, member: Member, frame: ClientFrame): void {
    if (frame.type === 'hello') {
      const refusal = {code: 'bad-frame', message: 'hello was said before; send refresh for a new token'} as const;
      return connection.refuse(frame.id, {...refusal, retryAfterMs: null});
    }
    if (frame.type === 'refresh') return this.#refresh(connection, member, frame);
    if (this.#parts.wallMs() >= member.identity.expiresAtMs) {
      const message = 'the token has expired; send refresh with a new one';
      return connection.refuse('id' in frame ? frame.id : null, {code: 'token-expired', message, retryAfterMs: null});
    }
    const room = this.#rooms.find(member.identity.tenantId);
    if (!room) throw new Error('Internal error: a member without a room');
    this.#answers.answer({connection, member, room}, frame);
  }

  drained(member: Member): void {
    this.#attempt(() => {
      this.#rooms.find(member.identity.tenantId)?.catchUp(member, this.nowMs());
      this.#circles.catchUp(member);
    });
  }

  left(member: Member, why: LeftWhy): void {
    const connection = this.#connections.get(member);
    if (!connection) return;
    this.#connections.delete(member);
    this.#countAddress(addressOf(connection.socket.stream), -1);
    this.#attempt(() => {
      this.#circles.leave(member);
      const room = this.#rooms.find(member.identity.tenantId);
      if (!room) return;
      this.#rooms.wake(room);
      room.leave(member, why);
    });
    this.#parts.onEvent({kind: 'agent-left', identity: member.identity, epoch: member.epoch, why});
  }

  refused(connection: HubConnection, {code, message}: Refusal): void {
    this.gauges.refused(code);
    const identity = connection.member?.identity ?? null;
    this.#parts.onEvent({kind: 'refused', identity, address: addressOf(connection.socket.stream), code, message});
  }

  unexpected(error: unknown): void {
    this.#parts.onEvent({kind: 'unexpected', error});
  }

  /** What reads the database may throw, and nobody stands above a callback: others are not to pay for one who joins. */
  #guard(connection: HubConnection, act: () => void): void {
    try {
      act();
    } catch (error) {
      this.unexpected(error);
      connection.end('internal', 'the hub made a mistake; see its log', RETRY_MS);
    }
  }

  #attempt(act: () => void): void {
    try {
      act();
    } catch (error) {
      this.unexpected(error);
    }
  }

  #join(connection: HubConnection, hello: Hello, identity: HubIdentity): void {
    const room = this.#rooms.open(identity.tenantId);
    const address = addressOf(connection.socket.stream);
    const full = room.members.has(identity.agentId) ? null : this.#fullness(room, address);
    if (full !== null) return connection.end('limit-reached', full, RETRY_MS);
    // Read before anything is changed.
    const rule = this.#parts.recallRule(identity.tenantId);
    const member = new Member(connection.socket, {
      identity,
      epoch: randomUUID(),
      sinceMs: this.#parts.wallMs(),
      presence: this.#parts.permits(identity.role, 'presence') ? hello.presence : null,
      subscription: subscriptionOf(hello.subscription),
      limits: this.limits,
    });
    if (!connection.admit(member)) return;
    this.arrivals.admit(connection.socket.stream);
    this.#connections.set(member, connection);
    this.#countAddress(address, 1);
    const older = room.join(member);
    if (older) this.#connections.get(older)?.replace();
    member.rule = rule;
    member.send({
      type: 'welcome',
      id: hello.id,
      version: HUB_PROTOCOL,
      agentId: identity.agentId,
      tenantId: identity.tenantId,
      role: identity.role,
      epoch: member.epoch,
      head: room.head,
      log: this.#parts.store.log,
      expiresAtMs: identity.expiresAtMs,
      syncIntervalMs: this.#parts.syncIntervalMs,
      recall: rule,
    });
    this.#parts.onEvent({kind: 'agent-joined', identity, sessionId: hello.sessionId, epoch: member.epoch});
    this.#rooms.wake(room);
    connection.proceed();
  }

  #refresh(connection: HubConnection, member: Member, {id, token}: Extract<ClientFrame, {type: 'refresh'}>): void {
    if (member.isRefreshing) {
      const refusal = {code: 'too-fast', message: 'the token before this one is still being verified'} as const;
      return connection.refuse(id, {...refusal, retryAfterMs: RETRY_MS});
    }
    member.isRefreshing = true;
    void this.#parts.auth.verify(token, connection.socket.certificate).then(
      verified => {
        member.isRefreshing = false;
        this.#guard(connection, () => this.#refreshed({connection, member, id}, verified));
      },
      (error: unknown) => {
        member.isRefreshing = false;
        this.unexpected(error);
        const message = 'the token could not be verified; see the log of the hub';
        connection.refuse(id, {code: 'internal', message, retryAfterMs: null});
      },
    );
  }

  #refreshed(
    {connection, member, id}: {connection: HubConnection; member: Member; id: number},
    verified: Result<HubIdentity, AuthFailure>,
  ): void {
    if (connection.member !== member) return;
    if (!verified.ok) return connection.refuse(id, {...verified.failure, retryAfterMs: null});
    const {agentId, tenantId} = verified.value;
    const {identity} = member;
    if (agentId !== identity.agentId || tenantId !== identity.tenantId) {
      const message = 'the new token is of another agent or tenant; open a connection of its own for it';
      return connection.refuse(id, {code: 'forbidden', message, retryAfterMs: null});
    }
    member.become(verified.value);
    this.#rooms.open(tenantId).changed(member);
    this.#rooms.wake(this.#rooms.open(tenantId));
    this.#parts.onEvent({kind: 'token-refreshed', identity: verified.value});
    member.send({type: 'ok', id});
  }

  /** Why one more agent cannot join; null: it can. */
  #fullness(room: TenantRoom, address: string): string | null {
    const {agents, agentsPerTenant, agentsPerAddress} = this.limits;
    if (this.#connections.size >= agents) return `this hub has ${agents} agents already, the most it takes`;
    if (room.members.size >= agentsPerTenant)
      return `this tenant has ${agentsPerTenant} agents already, the most it may`;
    if ((this.#perAddress.get(address) ?? 0) < agentsPerAddress) return null;
    return `${agentsPerAddress} agents are connected from your address already, the most there may be`;
  }

  #countAddress(address: string, by: number): void {
    const count = (this.#perAddress.get(address) ?? 0) + by;
    if (count > 0) this.#perAddress.set(address, count);
    else this.#perAddress.delete(address);
  }

  /** What time brings about: tokens that end, messages that expire, connections that have drained unnoticed. */
  #look(): void {
    this.#attempt(() => this.#mailboxes.expire(this.nowMs()));
    // Each for itself: what goes wrong with one is no reason to let another one stay.
    for (const [member, connection] of [...this.#connections]) this.#attempt(() => this.#lookAt(member, connection));
    this.#attempt(() => this.#rooms.lookForEntries());
  }

  #lookAt(member: Member, connection: HubConnection): void {
    const refusal = this.#tokens.refusalOf(member, this.nowMs());
    if (refusal) return connection.end(refusal.code, refusal.message);
    if (member.missed.agents.size > this.limits.knownAgents) return connection.end('too-slow', 'too much was missed');
    if (member.missedSomething && member.socket.backlogBytes === 0) this.drained(member);
  }

  #statsOf(tenant: string | null, agents: number, {pulls, pushes, episodes}: HubRates): HubStats {
    const {totals, recall} = this.#parts;
    return {
      agents,
      episodes: totals.episodes(tenant),
      tenants: tenant === null ? totals.tenants() : 1,
      uptimeMs: this.nowMs() - this.#startedMs,
      syncsPerS: pulls.perS + pushes.perS,
      episodesPerS: episodes.perS,
      lagMs: this.gauges.lagMs,
      unembedded: recall?.unembedded(tenant) ?? 0,
    };
  }
}
