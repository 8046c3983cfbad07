import {frameText} from '../../wire/hub-text-frame.ts';
import type {LeftWhy} from './hub-parts.ts';
import type {Member} from './member.ts';

interface Touched {
  /** Whether the others had been told that it is here, and at which connection. */
  readonly before: Member | null;
  why: LeftWhy;
}

type List = 'joined' | 'changed' | 'left';
interface Line {
  readonly agentId: string;
  readonly list: List;
  readonly json: string;
}

/** How much of its time a hub gives to telling who comes and goes: a pause of so many times what the last telling took. */
const PAUSE_PER_COST = 4;

/** Who came, went and changed since the others were told the last time; what cancels out is not told. */
export class PresenceBoard {
  readonly #touched = new Map<string, Touched>();
  #notBeforeMs = 0;

  get isEmpty(): boolean {
    return this.#touched.size === 0;
  }

  /** Milliseconds until it may be told again; 0: now. */
  waitMs(nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs);
  }

  /** Before `agentId` comes, goes or changes; `before`: its member as of now. */
  touch(agentId: string, before: Member | null, why: LeftWhy): void {
    const touched = this.#touched.get(agentId);
    if (touched) touched.why = why;
    else this.#touched.set(agentId, {before, why});
  }

  /** Tells everybody who asked for it what has happened to the others. */
  tell(members: ReadonlyMap<string, Member>, audience: number): void {
    const startedMs = performance.now();
    const lines = [...this.#lines(members)];
    const touched = [...this.#touched];
    this.#touched.clear();
    const hearers = [...members.values()].filter(({subscription}) => subscription.presence);
    if (lines.length === 0 || hearers.length > audience) return;
    const about = new Set(lines.map(({agentId}) => agentId));
    let shared: Buffer | undefined;
    for (const member of hearers) {
      if (member.isBehind || member.missed.agents.size > 0) {
        for (const [agentId, {why}] of touched) member.missed.agents.set(agentId, members.has(agentId) ? null : why);
      } else if (about.has(member.agentId)) {
        const others = lines.filter(({agentId}) => agentId !== member.agentId);
        if (others.length > 0) member.socket.sendFramed(frameOf(others));
      } else member.socket.sendFramed((shared ??= frameOf(lines)));
    }
    const endedMs = performance.now();
    this.#notBeforeMs = endedMs + PAUSE_PER_COST * (endedMs - startedMs);
  }

  *#lines(members: ReadonlyMap<string, Member>): Generator<Line> {
    for (const [agentId, {before, why}] of this.#touched) {
      const after = members.get(agentId);
      if (before && after !== before) yield leftLine(agentId, after ? 'replaced' : why);
      if (after) yield {agentId, list: after === before ? 'changed' : 'joined', json: after.json};
    }
  }
}

/** What a member has missed, as the frame that makes up for it: those who are here as changed, the others as gone. */
export function presenceMissed(member: Member, members: ReadonlyMap<string, Member>): Buffer | null {
  const lines: Line[] = [];
  for (const [agentId, why] of member.missed.agents) {
    if (agentId === member.agentId) continue;
    const present = members.get(agentId);
    if (present) lines.push({agentId, list: 'changed', json: present.json});
    else lines.push(leftLine(agentId, why ?? 'lost'));
  }
  member.missed.agents.clear();
  return lines.length === 0 ? null : frameOf(lines);
}

function leftLine(agentId: string, why: LeftWhy): Line {
  return {agentId, list: 'left', json: JSON.stringify({agentId, why})};
}

function frameOf(lines: readonly Line[]): Buffer {
  const of = (list: List) =>
    lines
      .filter(line => line.list === list)
      .map(({json}) => json)
      .join(',');
  return frameText(
    `{"type":"presence","joined":[${of('joined')}],"changed":[${of('changed')}],"left":[${of('left')}]}`,
  );
}
