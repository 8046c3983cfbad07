import {hash} from 'node:crypto';
import type {Shelf} from './shelf.ts';

/** What is to be taken no longer: one token, or all that an agent was given up to now. */
export type Revoked =
  | {readonly kind: 'token'; readonly tokenId: string}
  | {readonly kind: 'agent'; readonly tenantId: string; readonly agentId: string};

export type Revocation = Revoked & {
  /** Unix epoch, milliseconds. */
  readonly atMs: number;
  /** When everything it refuses has expired by itself, and it is forgotten. */
  readonly endsAtMs: number;
};

/** What a token is looked up by; computed once per token. */
export interface RevocationMarks {
  readonly token: string;
  readonly agent: string;
  /** Unix epoch, seconds, as tokens have it. */
  readonly issuedAtS: number;
}

/** As many may be in force at once. */
export const MAX_REVOCATIONS = 10_000;

/** Which tokens are refused before their time, kept until they would have ended. */
export class Revocations {
  readonly #shelf: Shelf;
  #tokens = new Set<string>();
  /** By agent: what was issued up to this second is refused. */
  #agents = new Map<string, number>();
  #stamp = '';

  constructor(shelf: Shelf) {
    this.#shelf = shelf;
    this.refresh();
  }

  refuses({token, agent, issuedAtS}: RevocationMarks): boolean {
    if (this.#tokens.has(token)) return true;
    const until = this.#agents.get(agent);
    return until !== undefined && issuedAtS <= until;
  }

  /** Throws RangeError when there are `MAX_REVOCATIONS`. */
  add(revocation: Revocation): void {
    this.#forgetEnded(revocation.atMs);
    if (this.#shelf.names().length >= MAX_REVOCATIONS) {
      throw new RangeError(`${MAX_REVOCATIONS} revocations are in force, which is the most: rotate the keys at once`);
    }
    this.#shelf.add(nameOf(revocation), `${JSON.stringify(revocation)}\n`);
    this.refresh();
  }

  list(nowMs: number): readonly Revocation[] {
    return this.#shelf.names().flatMap(name => {
      const ends = parse(name)?.endsAtS;
      if (ends === undefined || ends * 1000 <= nowMs) return [];
      const text = this.#shelf.read(name);
      // Written by `add` only, in a folder that is ours alone.
      return text === null ? [] : [JSON.parse(text) as Revocation];
    });
  }

  /** Takes in what other processes have added. */
  refresh(): void {
    const stamp = this.#shelf.stamp();
    if (stamp === this.#stamp) return;
    const tokens = new Set<string>();
    const agents = new Map<string, number>();
    for (const name of this.#shelf.names()) {
      const parsed = parse(name);
      if (parsed === null) continue;
      if (parsed.untilS === null) tokens.add(parsed.mark);
      else agents.set(parsed.mark, Math.max(parsed.untilS, agents.get(parsed.mark) ?? 0));
    }
    this.#tokens = tokens;
    this.#agents = agents;
    this.#stamp = stamp;
  }

  #forgetEnded(nowMs: number): void {
    for (const name of this.#shelf.names()) {
      const parsed = parse(name);
      if (parsed !== null && parsed.endsAtS * 1000 <= nowMs) this.#shelf.remove(name);
    }
  }
}

export function tokenMark(tokenId: string): string {
  return hash('sha256', `token\0${tokenId}`, 'hex');
}

/** Names hold no control characters, so that no two pairs of them are written alike. */
export function agentMark({tenantId, agentId}: {readonly tenantId: string; readonly agentId: string}): string {
  return hash('sha256', `agent\0${tenantId}\0${agentId}`, 'hex');
}

/** All that deciding needs stands in the name: reading the folder is reading the list. */
function nameOf(revocation: Revocation): string {
  const ends = Math.ceil(revocation.endsAtMs / 1000);
  if (revocation.kind === 'token') return `${ends}.token.${tokenMark(revocation.tokenId)}`;
  return `${ends}.agent-${Math.floor(revocation.atMs / 1000)}.${agentMark(revocation)}`;
}

function parse(name: string): {endsAtS: number; untilS: number | null; mark: string} | null {
  const [, ends, until, mark] = /^(\d{1,15})\.(?:token|agent-(\d{1,15}))\.([0-9a-f]{64})$/.exec(name) ?? [];
  if (ends === undefined || mark === undefined) return null;
  return {endsAtS: Number(ends), untilS: until === undefined ? null : Number(until), mark};
}
