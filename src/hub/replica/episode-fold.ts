import {never} from '../../base/never.ts';
import type {Result} from '../../base/result.ts';
import {
  type Episode,
  EPISODE_STANDINGS,
  type EpisodeChange,
  type EpisodeState,
  type SaidStanding,
} from '../../model/episode.ts';
import {Critiques} from './critiques.ts';
import {MAX_COUNT, type Malformed, readCount, readList, readText, reading, refuse} from './foreign.ts';
import {Latest, later, readWritten, type Written} from './latest.ts';
import {Tags} from './tags.ts';
import {UseCount} from './use-count.ts';

/** Voters, and confirming agents, of one episode: those with the latest word are counted, see `Latest`. */
export const MAX_VOICES = 10_000;
const MAX_CRITIQUE = 256 * 1024;

/** What an episode was last said to be; `into`: the one it was merged into. */
type Standing = SaidStanding | {readonly into: string};

/** What was merged into an episode. */
type Tally = {readonly merged: number; readonly uses: number};

const NO_TALLY: Tally = {merged: 0, uses: 0};

/** `full`: too many uses are not settled, see `settle`; the change was not taken. */
export type FoldAnswer = 'taken' | 'full';

/**
 * What the changes of one episode amount to, however often and in whatever order they arrive: of each voter and each confirming
 * agent the last word counts (of each it is a register in which the last writer wins), and so of critique and standing of all (beside it stands what was
 * said without knowing of it); tags are an observed-remove set, see `Tags`; each use counts once (a G-counter, see `UseCount`). "Last" is by stamp, then by id of the change. The store keeps one for each episode
 * and applies each change as it is appended.
 */
export class EpisodeFold {
  readonly #episode: string;
  readonly #agentId: string;
  #votes: Latest<boolean>;
  #confirms: Latest<boolean>;
  readonly #tags: Tags;
  #critique: Written<string | null>;
  #critiques = new Critiques();
  #standing: Written<Standing>;
  #tally: Written<Tally>;
  #uses = new UseCount();

  private constructor(episode: string, agentId: string, first: {at: string; critique: string | null; tags: Tags}) {
    this.#episode = episode;
    this.#agentId = agentId;
    this.#votes = new Latest(MAX_VOICES);
    this.#confirms = new Latest(MAX_VOICES);
    this.#tags = first.tags;
    this.#critique = {at: first.at, tie: '', value: first.critique};
    this.#standing = {at: first.at, tie: '', value: 'active'};
    this.#tally = {at: first.at, tie: '', value: NO_TALLY};
  }

  /** An episode with no change yet: its own tags and critique stand as of its stamp, and it is active. */
  static of({
    id,
    agentId,
    at,
    tags,
    critique,
  }: Pick<Episode, 'id' | 'agentId' | 'at' | 'tags' | 'critique'>): EpisodeFold {
    return new EpisodeFold(id, agentId, {at, critique, tags: Tags.of({agentId, at, tags})});
  }

  /**
   * Takes a change; `position` is where it stands in the log, null while it is in none. A use without position must not come again
   * after it was settled. Throws a RangeError on a change of another episode.
   */
  apply(change: EpisodeChange, position: number | null): FoldAnswer {
    if (change.episode !== this.#episode) {
      throw new RangeError(`The change ${change.id} is of episode ${change.episode}, not of ${this.#episode}`);
    }
    const {at, by, id: tie} = change;
    switch (change.kind) {
      case 'vote':
        this.#votes.put(by, {at, tie, value: change.value === 1});
        return 'taken';
      case 'use':
        return this.#uses.put(tie, {count: change.count, position});
      case 'tag':
        this.#tags.apply(change, position);
        return 'taken';
      case 'critique':
        this.#critique = later(this.#critique, {at, tie, value: change.text});
        this.#critiques.put({at, tie, text: change.text, clock: change.clock ?? null, position});
        return 'taken';
      case 'confirm':
        if (by !== this.#agentId) this.#confirms.put(by, {at, tie, value: change.success});
        return 'taken';
      case 'standing':
        this.#standing = later(this.#standing, {at, tie, value: change.standing});
        return 'taken';
      case 'merge':
        this.#standing = later(this.#standing, {at, tie, value: {into: change.into}});
        return 'taken';
      case 'tally':
        this.#tally = later(this.#tally, {at, tie, value: {merged: change.merged, uses: change.uses}});
        return 'taken';
      default:
        return never(change);
    }
  }

  /**
   * Everything of the log up to `position` that is about this episode has been applied: uses up to there become one number and
   * their ids are forgotten. The hub, which applies in log order, settles after every change.
   */
  settle(position: number): void {
    this.#uses.settle(position);
  }

  /** No log will ever have the uses that have no position: they become one number, and their ids are forgotten. */
  absorb(): void {
    this.#uses.absorb();
  }

  /** Takes in all that another fold of the same episode has. Throws a RangeError on one of another episode. */
  mergeFrom(other: EpisodeFold): FoldAnswer {
    if (other.#episode !== this.#episode) {
      throw new RangeError(`A fold of episode ${other.#episode} does not merge with one of ${this.#episode}`);
    }
    this.#votes.mergeFrom(other.#votes);
    this.#confirms.mergeFrom(other.#confirms);
    this.#tags.mergeFrom(other.#tags);
    this.#critique = later(this.#critique, other.#critique);
    this.#critiques.mergeFrom(other.#critiques);
    this.#standing = later(this.#standing, other.#standing);
    this.#tally = later(this.#tally, other.#tally);
    return this.#uses.mergeFrom(other.#uses);
  }

  state(): EpisodeState {
    const votes = tally(this.#votes);
    const confirms = tally(this.#confirms);
    // None, where what the episode says of itself is later than all that was said of it.
    const others = this.#critique.tie === '' ? [] : this.#critiques.others;
    const {merged, uses} = this.#tally.value;
    const {value: standing} = this.#standing;
    return {
      up: votes.yes,
      down: votes.no,
      uses: this.#uses.value + uses,
      tags: this.#tags.values(),
      critique: this.#critique.value,
      ...(others.length > 0 && {otherCritiques: others}),
      confirmed: confirms.yes,
      refuted: confirms.no,
      ...(merged > 0 && {merged}),
      ...(typeof standing === 'string' ? {standing} : {standing: 'merged', mergedInto: standing.into}),
    };
  }

  /** Whether anybody but the episode itself has said anything of its tags. */
  get hasChangedTags(): boolean {
    return this.#tags.wereChanged;
  }

  /** Arrays only, the same for the same contents. */
  toJSON(): readonly unknown[] {
    const {at, tie, value} = this.#critique;
    const standing = this.#standing;
    const {value: said} = standing;
    const tally = this.#tally;
    return [
      this.#episode,
      this.#agentId,
      [at, tie, value],
      [standing.at, standing.tie, typeof said === 'string' ? said : [said.into]],
      this.#votes.toJSON(),
      this.#confirms.toJSON(),
      this.#tags.toJSON(),
      this.#uses.toJSON(),
      this.#critiques.toJSON(),
      [tally.at, tally.tie, [tally.value.merged, tally.value.uses]],
    ];
  }

  static parse(value: unknown): Result<EpisodeFold, Malformed> {
    return reading('episode fold', () => {
      const parts = readList(value, 'a fold', 10);
      // One that was written before critiques were held against each other has eight, before there was merging nine.
      const [episode, agentId, critique, standing, votes, confirms, tags, uses, critiques = [], tally] = parts;
      const {at, tie, value: text} = readWritten(critique, readCritique);
      const fold = new EpisodeFold(readText(episode, 'an episode'), readText(agentId, 'an agent'), {
        at,
        critique: text,
        tags: Tags.read(tags),
      });
      fold.#critique = {at, tie, value: text};
      fold.#standing = readWritten(standing, readStanding);
      fold.#votes = Latest.read(votes, {what: 'votes', limit: MAX_VOICES, readValue: readFlag});
      fold.#confirms = Latest.read(confirms, {what: 'confirmations', limit: MAX_VOICES, readValue: readFlag});
      fold.#uses = UseCount.read(uses);
      fold.#critiques = Critiques.read(critiques);
      if (tally !== undefined) fold.#tally = readWritten(tally, readTally);
      return fold;
    });
  }
}

function tally(voices: Latest<boolean>): {yes: number; no: number} {
  let yes = 0;
  for (const [, {value}] of voices.entries()) if (value) yes += 1;
  return {yes, no: voices.size - yes};
}

function readFlag(value: unknown): boolean {
  return typeof value === 'boolean' ? value : refuse('a voice must be true or false');
}

function readCritique(value: unknown): string | null {
  return value === null ? null : readText(value, 'a critique', {least: 0, most: MAX_CRITIQUE});
}

function readTally(value: unknown): Tally {
  const [merged, uses] = readList(value, 'a tally', 2);
  return {
    merged: readCount(merged, 'what was merged', {most: MAX_COUNT}),
    uses: readCount(uses, 'uses of what was merged', {most: MAX_COUNT}),
  };
}

function readStanding(value: unknown): Standing {
  if (Array.isArray(value)) {
    const [into] = readList(value, 'a merged standing', 1);
    return {into: readText(into, 'what it was merged into')};
  }
  return (
    EPISODE_STANDINGS.find(standing => standing === value) ??
    refuse('the standing must be one of ' + EPISODE_STANDINGS.join(', '))
  );
}
