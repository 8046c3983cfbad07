import type {RecallRule} from '../../model/hub.ts';
import {frameText} from '../../wire/hub-text-frame.ts';
import {type Piece, sendAll} from './fan-out.ts';
import {HubRates} from './hub-gauges.ts';
import type {HubLimits} from './hub-limits.ts';
import type {LeftWhy} from './hub-parts.ts';
import type {Mailboxes} from './mailboxes.ts';
import type {Member} from './member.ts';
import {NewsBoard} from './news-board.ts';
import {type ReadyMessage, byRank} from './outbox.ts';
import {PresenceBoard, presenceMissed} from './presence-board.ts';

interface Broadcast extends ReadyMessage {
  readonly by: Member;
  readonly topic: string | null;
  readonly skills: readonly string[];
}

interface Acknowledged {
  readonly member: Member;
  readonly id: number;
  /** Its receiver is away: it is to outlive the hub. */
  readonly isKept: boolean;
}

/**
 * The agents of one tenant that are connected, and what they are told. What happens within one turn of the event loop is
 * gathered and told once, by `flush`.
 */
export class TenantRoom {
  readonly tenant: string;
  readonly rates = new HubRates();
  readonly #limits: HubLimits;
  readonly #mailboxes: Mailboxes;
  readonly #members = new Map<string, Member>();
  readonly #presence = new PresenceBoard();
  readonly #seen = new Map<string, string>();
  readonly #news: NewsBoard;
  #broadcasts: Broadcast[] = [];
  readonly #mail = new Set<Member>();
  #acknowledged: Acknowledged[] = [];
  #who: string | undefined;
  #head: number;

  constructor(tenant: string, given: {head: number; limits: HubLimits; mailboxes: Mailboxes; rule: () => RecallRule}) {
    this.tenant = tenant;
    this.#head = given.head;
    this.#limits = given.limits;
    this.#mailboxes = given.mailboxes;
    this.#news = new NewsBoard(given.rule);
  }

  /** The last position of the tenant's log that is durable. */
  get head(): number {
    return this.#head;
  }

  get members(): ReadonlyMap<string, Member> {
    return this.#members;
  }

  /** All agents as JSON, joined by commas. */
  get who(): string {
    this.#who ??= [...this.#members.values()].map(({json}) => json).join(',');
    return this.#who;
  }

  /** In the place of the one with the same id, who is answered. */
  join(member: Member): Member | null {
    // Reads what an earlier run has kept, and may fail: before anything is changed.
    this.#mailboxes.see(this.tenant, member.agentId);
    member.knowsTo = this.#head;
    const older = this.#members.get(member.agentId) ?? null;
    this.#presence.touch(member.agentId, older, 'replaced');
    this.#members.set(member.agentId, member);
    this.#mail.add(member);
    this.#who = undefined;
    return older;
  }

  /** False: another connection of this agent's has taken its place already. */
  leave(member: Member, why: LeftWhy): boolean {
    this.#mail.delete(member);
    if (this.#members.get(member.agentId) !== member) return false;
    this.#presence.touch(member.agentId, member, why);
    this.#members.delete(member.agentId);
    this.#mailboxes.see(this.tenant, member.agentId);
    this.#who = undefined;
    return true;
  }

  /** After a member shows itself otherwise. */
  changed(member: Member): void {
    this.#presence.touch(member.agentId, member, 'left');
    this.#who = undefined;
  }

  /** Whether anybody is to be told of what this one adds. */
  hasAudience(author: Member): boolean {
    for (const member of this.#members.values()) if (member !== author && member.subscription.news) return true;
    return false;
  }

  /** Entries that have become durable. */
  tell(pieces: readonly Piece[], head: number): void {
    this.#news.add(pieces);
    this.#head = Math.max(this.#head, head);
  }

  /** The log has grown past us by other means than a push: everybody is to pull. */
  grew(head: number): void {
    if (head <= this.#head) return;
    this.#head = head;
    for (const member of this.#members.values()) {
      if (!member.subscription.news) continue;
      member.missed.news = true;
      this.catchUp(member, 0);
    }
  }

  /** Whose message with this id has been passed on; null: nobody's that is remembered. */
  ownerOfMessage(id: string): string | null {
    return this.#seen.get(id) ?? null;
  }

  claimMessage(id: string, from: string): void {
    this.#seen.set(id, from);
    if (this.#seen.size <= this.#limits.messageIds) return;
    for (const oldest of this.#seen.keys()) {
      this.#seen.delete(oldest);
      return;
    }
  }

  broadcast(
    by: Member,
    {topic, skills, priority, json}: Pick<Broadcast, 'topic' | 'skills' | 'priority'> & {json: string},
  ): void {
    this.#broadcasts.push({by, topic, skills, priority, frame: frameText(json)});
  }

  /** There is mail for this agent, if it is here. */
  deliver(agentId: string): void {
    const member = this.#members.get(agentId);
    if (member) this.#mail.add(member);
  }

  /** Answers a message, once those of this turn have been passed on. */
  acknowledge(acknowledged: Acknowledged): void {
    this.#acknowledged.push(acknowledged);
  }

  /** Those that are to be on the disk before they are answered, which they will not be: somebody else answers them. */
  unkept(): readonly Acknowledged[] {
    const unkept = this.#acknowledged.filter(({isKept}) => isKept);
    this.#acknowledged = this.#acknowledged.filter(({isKept}) => !isKept);
    return unkept;
  }

  /** Tells what has gathered; answers in how many milliseconds there is more to tell, null: nothing is left. */
  flush(nowMs: number): number | null {
    this.#flushMessages(nowMs);
    for (const {member, id} of this.#acknowledged.splice(0)) member.socket.send(`{"type":"ok","id":${id}}`);
    const newsMs = this.#flushNews();
    const presenceMs = this.#flushPresence();
    return newsMs === null || presenceMs === null ? (newsMs ?? presenceMs) : Math.min(newsMs, presenceMs);
  }

  /** Makes up for what a member missed while it was too slow, as far as it takes it now. */
  catchUp(member: Member, nowMs: number): void {
    const {missed} = member;
    if (member.isBehind || !member.missedSomething) return;
    sendAll(member, member.outbox.take());
    if (missed.messages > 0) {
      member.send({
        type: 'error',
        id: null,
        code: 'too-slow',
        message: `${missed.messages} message(s) to everybody were dropped, since this connection did not take them in time`,
        retryAfterMs: null,
      });
      missed.messages = 0;
    }
    if (missed.mail) this.#mailTo(member, [], nowMs);
    const presence = presenceMissed(member, this.#members);
    if (presence) member.socket.sendFramed(presence);
    if (!missed.news) return;
    missed.news = false;
    member.knowsTo = this.#head;
    member.send({type: 'news', entries: [], head: this.#head});
  }

  #flushNews(): number | null {
    if (this.#news.isEmpty) return null;
    const waitMs = this.#news.waitMs(performance.now());
    if (waitMs > 0) return waitMs;
    return this.#news.tell(this.#members, this.#head);
  }

  #flushPresence(): number | null {
    if (this.#presence.isEmpty) return null;
    const waitMs = this.#presence.waitMs(performance.now());
    if (waitMs > 0) return waitMs;
    this.#presence.tell(this.#members, this.#limits.presenceAudience);
    return null;
  }

  #flushMessages(nowMs: number): void {
    const broadcasts = byRank(this.#broadcasts);
    const mail = [...this.#mail];
    this.#broadcasts = [];
    this.#mail.clear();
    if (broadcasts.length > 0) this.#flushBroadcasts(broadcasts, new Set(mail), nowMs);
    else for (const member of mail) this.#mailTo(member, [], nowMs);
  }

  #flushBroadcasts(broadcasts: readonly Broadcast[], withMail: ReadonlySet<Member>, nowMs: number): void {
    const authors = new Set(broadcasts.map(({by}) => by));
    const isForAll = broadcasts.every(({topic, skills}) => topic === null && skills.length === 0);
    let shared: Buffer | undefined;
    for (const member of this.#members.values()) {
      const isPlain = isForAll && !authors.has(member) && !withMail.has(member) && member.outbox.isEmpty;
      if (isPlain && !member.isBehind) {
        member.socket.sendFramed((shared ??= Buffer.concat(broadcasts.map(({frame}) => frame))));
        continue;
      }
      const mine = broadcasts.filter(message => message.by !== member && member.isMeant(message));
      if (withMail.has(member)) this.#mailTo(member, mine, nowMs);
      else if (member.isBehind || !member.outbox.isEmpty) for (const message of mine) member.hold(message);
      else
        sendAll(
          member,
          mine.map(({frame}) => frame),
        );
    }
  }

  /** Sends what is in the mailbox, together with these messages, by priority. */
  #mailTo(member: Member, broadcasts: readonly ReadyMessage[], nowMs: number): void {
    if (member.isBehind) {
      member.missed.mail = true;
      for (const message of broadcasts) member.hold(message);
      return;
    }
    member.missed.mail = false;
    const messages: ReadyMessage[] = [...broadcasts];
    for (const {json, priority} of this.#mailboxes.unsent(this.tenant, member.agentId, member.epoch, nowMs)) {
      messages.push({priority, frame: frameText(json)});
    }
    sendAll(
      member,
      byRank(messages).map(({frame}) => frame),
    );
  }
}
