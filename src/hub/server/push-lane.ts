import {type Result, fail} from '../../base/result.ts';
import type {EpisodeChange, LogEntry, LogItem} from '../../model/episode.ts';
import type {HubIdentity} from '../../model/hub.ts';
import type {ClientFrame, HubFrame, PushResult} from '../../wire/hub-protocol.ts';
import {frameTexts} from '../../wire/hub-text-frame.ts';
import {speaksFor} from '../security/delegation.ts';
import {changeAction, type HubAction} from '../security/permissions.ts';
import type {Piece} from './fan-out.ts';
import type {HubGauges} from './hub-gauges.ts';
import type {HubParts, Refusal} from './hub-parts.ts';
import type {AppendResult, HubStoreFailure} from './hub-store.ts';
import type {Member} from './member.ts';
import type {TenantRoom} from './tenant-room.ts';

type Push = Extract<ClientFrame, {type: 'push'}>;

type LaneParts = Pick<HubParts, 'store' | 'permits' | 'vet' | 'recall' | 'onPushed' | 'onEvent'>;

interface Pending {
  readonly room: TenantRoom;
  readonly member: Member;
  readonly id: number;
  readonly items: readonly LogItem[];
  /** For each item why it was refused, or what the store said. */
  readonly results: readonly (PushResult | AppendResult)[];
}

/** Something else that was written in this turn, and is answered once it is durable. */
interface Written {
  readonly member: Member;
  readonly id: number;
  /** It is not kept. */
  readonly undone: () => void;
}

/**
 * Pushes of all connections on their way to the disk: appended as they come, made durable together once per turn of the event
 * loop, and only then answered and told to others.
 */
export class PushLane {
  readonly #parts: LaneParts;
  readonly #gauges: HubGauges;
  #pending: Pending[] = [];
  #written: Written[] = [];

  constructor(parts: LaneParts, gauges: HubGauges) {
    this.#parts = parts;
    this.#gauges = gauges;
  }

  get isEmpty(): boolean {
    return this.#pending.length === 0 && this.#written.length === 0;
  }

  take(room: TenantRoom, member: Member, {id, items}: Push): void {
    const refused = items.map(item => this.#refusalOf(member, item));
    const fit = items.filter((_, index) => refused[index] === null);
    const appended = fit.length > 0 ? this.#parts.store.append(room.tenant, fit) : [];
    let next = 0;
    const results = items.map((_, index) => refused[index] ?? expectPresent(appended[next++]));
    this.#pending.push({room, member, id, items, results});
  }

  /** Answers `ok` once what was written into the store in this turn is durable. */
  acknowledge(written: Written): void {
    this.#written.push(written);
  }

  /** Makes durable what has been taken, answers it, and gives the rooms what is to be told. */
  flush(): readonly TenantRoom[] {
    if (this.isEmpty) return [];
    const [pending, written] = [this.#pending, this.#written];
    this.#pending = [];
    this.#written = [];
    const startedMs = performance.now();
    const outcome = this.#commit(pending);
    this.#gauges.flushed(performance.now() - startedMs);
    if (!outcome.ok) {
      for (const {undone} of written) undone();
      const {kind, detail} = outcome.failure;
      this.#parts.onEvent({kind: 'flush-failed', full: kind === 'full', detail});
      this.refuse([...pending, ...written], outcome.failure);
      return [];
    }
    for (const {member, id} of written) member.send({type: 'ok', id});
    // One write for all answers to one connection.
    const answers = new Map<Member, string[]>();
    for (const push of pending) {
      const answer = this.#settle(push);
      const known = answers.get(push.member);
      if (known === undefined) answers.set(push.member, [answer]);
      else known.push(answer);
    }
    for (const [member, texts] of answers) member.socket.sendFramed(frameTexts(texts));
    return [...new Set(pending.map(({room}) => room))];
  }

  /** Once for each agent, however much it has pushed. */
  #note(pending: readonly Pending[]): void {
    const byMember = new Map<Member, {pushes: number; items: LogItem[]; from: number; to: number}>();
    for (const {member, items, results} of pending) {
      let pushed = byMember.get(member);
      const before = pushed?.items.length ?? 0;
      for (const [index, result] of results.entries()) {
        const item = items[index];
        if (!item || !('isNew' in result) || !result.isNew) continue;
        pushed ??= {pushes: 0, items: [], from: result.position, to: 0};
        pushed.items.push(item);
        pushed.to = result.position;
      }
      if (pushed === undefined || pushed.items.length === before) continue;
      pushed.pushes += 1;
      byMember.set(member, pushed);
    }
    for (const [{identity}, pushed] of byMember) this.#parts.onPushed(identity, pushed);
  }

  /** What the store throws is as good as a broken file: nothing that waits may count as kept. */
  #commit(pending: readonly Pending[]): Result<void, HubStoreFailure> {
    try {
      this.#note(pending);
      return this.#parts.store.flush();
    } catch (error) {
      this.#parts.onEvent({kind: 'unexpected', error});
      return fail({kind: 'broken', detail: String(error)});
    }
  }

  /** The answer. */
  #settle({room, member, id, items, results}: Pending): string {
    const pieces: Piece[] = [];
    const entries: LogEntry[] = [];
    const isHeard = room.hasAudience(member);
    let head = 0;
    const answers = results.map((result, index): PushResult => {
      if ('refused' in result) return {id: result.id, code: result.refused, message: result.message};
      if (!('isNew' in result)) return result;
      const item = items[index];
      if (result.isNew && item) {
        head = Math.max(head, result.position);
        entries.push({...item, position: result.position});
        if (isHeard) {
          const {position} = result;
          pieces.push({by: member, position, bytes: Buffer.from(withPosition(JSON.stringify(item), position))});
        }
      }
      return {id: result.id, position: result.position};
    });
    this.#gauges.rates.pushed(entries.length);
    room.rates.pushed(entries.length);
    if (entries.length > 0) {
      room.tell(pieces, head);
      this.#parts.recall?.added(room.tenant, entries);
    }
    return JSON.stringify({type: 'pushed', id, results: answers} satisfies HubFrame);
  }

  /** Answers that nothing of these is kept. */
  refuse(
    refused: readonly Pick<Pending, 'member' | 'id'>[],
    {kind}: HubStoreFailure,
    what: 'push' | 'message' = 'push',
  ): void {
    const full = kind === 'full';
    const code = full ? 'disk-full' : 'unavailable';
    const message = full ? FULL[what] : BROKEN[what];
    for (const {member, id} of refused) {
      this.#gauges.refused(code);
      member.send({type: 'error', id, code, message, retryAfterMs: full ? DISK_FULL_RETRY_MS : null});
    }
  }

  #refusalOf({identity}: Member, item: LogItem): PushResult | null {
    const [id, agentId] =
      item.kind === 'episode' ? [item.episode.id, item.episode.agentId] : [item.change.id, item.change.by];
    const refuse = ({
      code,
      message,
      retryAfterMs = null,
    }: Omit<Refusal, 'retryAfterMs'> & Partial<Refusal>): PushResult => {
      return {id, code, message, ...(retryAfterMs !== null && {retryAfterMs})};
    };
    if (!speaksFor(identity, agentId)) {
      const field = item.kind === 'episode' ? 'episode.agentId' : 'change.by';
      return refuse({
        code: 'forbidden',
        message: `${field} is no agent that your token may speak for; push what ${identity.agentId} remembers as ${identity.agentId}`,
      });
    }
    if (item.kind === 'change' && !this.#parts.permits(identity.role, this.#actionOf(identity, item.change))) {
      return refuse({code: 'forbidden', message: `a ${identity.role} may not make this change (${item.change.kind})`});
    }
    const refusal = this.#parts.vet(identity, item);
    return refusal && refuse(refusal);
  }

  #actionOf(identity: HubIdentity, change: EpisodeChange): HubAction {
    const found = change.kind === 'standing' ? this.#parts.store.get(identity.tenantId, change.episode) : null;
    const owner = found?.entry.kind === 'episode' ? found.entry.episode.agentId : null;
    return changeAction(change, owner !== null && speaksFor(identity, owner) ? 'own' : 'others');
  }
}

const DISK_FULL_RETRY_MS = 5000;

const FULL = {
  push: 'the disk of the hub is full; nothing of this push was kept, push it again later',
  message: 'the disk of the hub is full; this message waits in memory only, send it again under its id later',
} as const;
const BROKEN = {
  push: 'the hub cannot write to its database; nothing of this push was kept, its operator must look at it',
  message: 'the hub cannot write to its database; this message waits in memory only, its operator must look at it',
} as const;

function withPosition(json: string, position: number): string {
  return `${json.slice(0, -1)},"position":${position}}`;
}

function expectPresent<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('Internal error: the store answered fewer items than it was given');
  return value;
}
