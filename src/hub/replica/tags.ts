import type {Result} from '../../base/result.ts';
import type {Episode, EpisodeChange, WrittenClock} from '../../model/episode.ts';
import {byCodeUnit} from './code-unit.ts';
import {type Malformed, readCount, readList, readText, reading, refuse} from './foreign.ts';
import {MAX_STAMP} from './latest.ts';
import {NO_LOG, readClock, saw} from './write-clock.ts';

/** Additions and removals of one tag, and of all tags of an episode: those with the latest stamps are remembered. */
export const MAX_MENTIONS_OF_TAG = 16;
export const MAX_MENTIONS = 1000;

type TagChange = Extract<EpisodeChange, {kind: 'tag'}>;

/** One tag that one change adds or removes. */
export interface TagMention {
  readonly tag: string;
  readonly what: 'add' | 'remove';
  readonly at: string;
  /** Of the change; empty: the episode came with it. */
  readonly tie: string;
  readonly by: string;
  /** null: its writer did not say what it had seen. */
  readonly clock: WrittenClock | null;
  /** In the log; null: in none yet. */
  readonly position: number | null;
}

/**
 * Whether whoever removed a tag had seen an addition of it: what the episode came with, what that agent had added itself, and what its clock
 * names. Where one of the two has no clock, the earlier by stamp counts as seen; and so that a position of another log than
 * the removal's is not taken for one of its own, it has to be the earlier there too.
 */
export function sawAddition(removal: TagMention, addition: TagMention): boolean {
  if (addition.tie === '') return true;
  if (removal.tie === addition.tie) return false;
  const isEarlier = compareStamps(addition, removal) < 0;
  if (removal.clock === null || addition.clock === null) return isEarlier;
  if (removal.by === addition.by && isEarlier) return true;
  const {position} = addition;
  if (saw({clock: removal.clock, position: removal.position}, {clock: addition.clock, position})) return true;
  const [log, , , base] = removal.clock;
  const isOfAnotherLog = log !== addition.clock[0];
  return isOfAnotherLog && log !== NO_LOG && position !== null && position <= base && isEarlier;
}

/**
 * The tags of one episode: an observed-remove set (Shapiro, Preguiça, Baquero and Zawirski, 2011), in which an addition wins over a removal
 * whose writer had not seen it. It is made of changes in whatever order and however often they come: a tag is on while an addition of it
 * stands that no removal had seen. Removals are kept as long as the additions before them, so that one that comes late is known to be gone.
 *
 * What is kept of more than the limits depends on what was said alone, not on the order: the latest of each tag, and of those the latest.
 */
export class Tags {
  readonly #limits: TagLimits;
  /** Latest first; never empty. */
  readonly #mentions = new Map<string, readonly TagMention[]>();
  #size = 0;

  constructor(limits: TagLimits = {ofTag: MAX_MENTIONS_OF_TAG, inAll: MAX_MENTIONS}) {
    this.#limits = limits;
  }

  /** Those that the episode came with. */
  static of({agentId, at, tags}: Pick<Episode, 'agentId' | 'at' | 'tags'>): Tags {
    const own = new Tags();
    for (const tag of tags) own.put({tag, what: 'add', at, tie: '', by: agentId, clock: null, position: null});
    return own;
  }

  /** A tag that one change both adds and removes is added. */
  apply({id: tie, at, by, clock: said, add, remove}: TagChange, position: number | null): void {
    const clock = said ?? null;
    for (const tag of remove) this.put({tag, what: 'remove', at, tie, by, clock, position});
    for (const tag of add) this.put({tag, what: 'add', at, tie, by, clock, position});
  }

  put(mention: TagMention): void {
    const before = this.#mentions.get(mention.tag) ?? [];
    const known = before.find(({tie, what}) => tie === mention.tie && what === mention.what);
    const others = before.filter(other => other !== known);
    const after = [...others, known ? joined(known, mention) : mention].sort(latestFirst).slice(0, this.#limits.ofTag);
    this.#mentions.set(mention.tag, after);
    this.#size += after.length - before.length;
    if (this.#size > this.#limits.inAll) this.#dropEarliest();
  }

  mergeFrom(other: Tags): void {
    for (const mentions of other.#mentions.values()) for (const mention of mentions) this.put(mention);
  }

  /** Those that are on, sorted by code unit. */
  values(): readonly string[] {
    return [...this.#mentions].flatMap(([tag, mentions]) => (isOn(mentions) ? [tag] : [])).sort(byCodeUnit);
  }

  /** Whether anybody but the episode itself has said anything of them. */
  get wereChanged(): boolean {
    for (const mentions of this.#mentions.values()) if (mentions.some(({tie}) => tie !== '')) return true;
    return false;
  }

  /** Tag, 1 for an addition or 0, stamp, change, agent, clock and position of each mention, the same for the same contents. */
  toJSON(): readonly unknown[] {
    return [...this.#mentions]
      .sort(([a], [b]) => byCodeUnit(a, b))
      .flatMap(([, mentions]) =>
        mentions.map(({tag, what, at, tie, by, clock, position}) => [
          tag,
          what === 'add' ? 1 : 0,
          at,
          tie,
          by,
          clock,
          position,
        ]),
      );
  }

  static parse(value: unknown): Result<Tags, Malformed> {
    return reading('tags', () => Tags.read(value));
  }

  /** For readers of things that contain them; inside `reading`. What was written before clocks counted is without them. */
  static read(value: unknown): Tags {
    const tags = new Tags();
    for (const item of readList(value, 'tags', MAX_MENTIONS)) {
      const parts = readList(item, 'a mention of a tag', 7);
      tags.put(parts.length === 4 ? readEarlier(parts) : readMention(parts));
    }
    return tags;
  }

  #dropEarliest(): void {
    let earliest: TagMention | undefined;
    for (const mentions of this.#mentions.values()) {
      const last = mentions.at(-1);
      if (last && (earliest === undefined || latestFirst(last, earliest) > 0)) earliest = last;
    }
    if (earliest === undefined) return;
    const rest = this.#mentions.get(earliest.tag)?.slice(0, -1) ?? [];
    if (rest.length > 0) this.#mentions.set(earliest.tag, rest);
    else this.#mentions.delete(earliest.tag);
    this.#size -= 1;
  }
}

export interface TagLimits {
  readonly ofTag: number;
  readonly inAll: number;
}

function isOn(mentions: readonly TagMention[]): boolean {
  const removals = mentions.filter(({what}) => what === 'remove');
  return mentions.some(mention => mention.what === 'add' && !removals.some(removal => sawAddition(removal, mention)));
}

/** Of one and the same mention, what either knows: its place in the log is what comes later. */
function joined(known: TagMention, again: TagMention): TagMention {
  const [a, b] = [known.position, again.position];
  const position = a === null || b === null ? (a ?? b) : Math.min(a, b);
  return {...(known.clock === null ? again : known), position};
}

function compareStamps(a: TagMention, b: TagMention): number {
  return byCodeUnit(a.at, b.at) || byCodeUnit(a.tie, b.tie);
}

/** A total order, in which an addition is later than the removal of the same change. */
function latestFirst(a: TagMention, b: TagMention): number {
  return compareStamps(b, a) || byCodeUnit(b.tag, a.tag) || byCodeUnit(a.what, b.what);
}

function readMention([tag, adds, at, tie, by, clock, position]: readonly unknown[]): TagMention {
  if (adds !== 0 && adds !== 1) return refuse('whether a tag is added must be 0 or 1');
  return {
    tag: readText(tag, 'a tag'),
    what: adds === 1 ? 'add' : 'remove',
    at: readText(at, 'a stamp', {most: MAX_STAMP}),
    tie: readText(tie, 'a tie', {least: 0}),
    by: readText(by, 'an agent', {least: 0}),
    clock: clock === null ? null : readClock(clock),
    position: position === null ? null : readCount(position, 'a position', {least: 1}),
  };
}

/** The last word of all on one tag, which was all that was kept. */
function readEarlier([tag, at, tie, isOn]: readonly unknown[]): TagMention {
  return readMention([tag, isOn === true ? 1 : 0, at, tie, '', null, null]);
}
