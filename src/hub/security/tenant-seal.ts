import {hkdfSync} from 'node:crypto';
import type {Episode, EpisodeChange, LogItem} from '../../model/episode.ts';
import {
  isSealedText,
  openEpisode,
  openForTenant,
  sealedLength,
  sealEpisode,
  sealForTenant,
  type TenantSecret,
} from './end-to-end.ts';

const MAX_TAGS = 50;
const MAX_TAG_CHARS = 100;

/** How long texts may be on the wire, in characters. */
export interface WireLengths {
  readonly task: number;
  readonly text: number;
}

type Content =
  | Pick<Extract<EpisodeChange, {kind: 'tag'}>, 'kind' | 'add' | 'remove'>
  | Pick<Extract<EpisodeChange, {kind: 'critique'}>, 'kind' | 'text'>;

/**
 * Seals what the episodes of a tenant tell, and what is said of them later, before it goes to a hub, and opens what comes from there. Each
 * sealed text opens beside its tenant, its episode (or change) and its place in it only.
 */
export class TenantSeal {
  readonly #tenantId: string;
  readonly #first: TenantSecret;
  readonly #secrets: readonly TenantSecret[];

  /** The first secret seals; all of them open. */
  constructor(tenantId: string, secrets: readonly [TenantSecret, ...TenantSecret[]]) {
    this.#tenantId = tenantId;
    this.#first = secrets[0];
    this.#secrets = secrets;
  }

  /** What tells the secrets apart, without saying anything about them. */
  get fingerprints(): readonly string[] {
    return this.#secrets.map(({key}) =>
      Buffer.from(hkdfSync('sha256', key, '', 'godel key fingerprint 1', 9)).toString('base64url'),
    );
  }

  /** Votes, uses and the like say nothing that could be sealed. */
  seal(item: LogItem): LogItem {
    if (item.kind === 'episode') return {kind: 'episode', episode: this.#sealEpisode(item.episode)};
    const content = contentOf(item.change);
    if (content === null) return item;
    const {id, episode, by, at, clock} = item.change;
    const text = sealForTenant(this.#first, JSON.stringify(content), this.#contextOf(item.change));
    // A tag too: whoever cannot open it must not learn what it was.
    return {kind: 'change', change: {id, episode, by, at, ...(clock && {clock}), kind: 'critique', text}};
  }

  /** As it was before it was sealed; null: it cannot be opened, or was changed. What is plain stays as it is. */
  open(item: LogItem): LogItem | null {
    if (!isSealedItem(item)) return item;
    if (item.kind === 'episode') {
      const episode = this.#openEpisode(item.episode);
      return episode && {kind: 'episode', episode};
    }
    const change = this.#openChange(item.change);
    return change && {kind: 'change', change};
  }

  /** Opens beside the tenant and this `context` only. */
  sealText(plain: string, [what = '', ...context]: readonly string[]): string {
    return sealForTenant(this.#first, plain, [what, this.#tenantId, ...context]);
  }

  /** Null: it cannot be opened, or was changed. */
  openText(sealed: string, [what = '', ...context]: readonly string[]): string | null {
    for (const secret of this.#secrets) {
      const plain = openForTenant(secret, sealed, [what, this.#tenantId, ...context]);
      if (plain !== null) return plain;
    }
    return null;
  }

  /** What of an item would be too long when it is sealed, and how many bytes it has too many; null: all of it fits. */
  excess(item: LogItem, {task, text}: WireLengths): {readonly part: string; readonly bytes: number} | null {
    for (const [part, plain, most] of sealedParts(item, {task, text})) {
      const over = sealedLength(Buffer.byteLength(plain)) - most;
      if (over > 0) return {part, bytes: Math.ceil((over * 3) / 4)};
    }
    return null;
  }

  #sealEpisode(episode: Episode): Episode {
    const input = withTags(episode);
    return sealEpisode(this.#first, {...episode, input, tags: []}, {tenantId: this.#tenantId, task: 'sealed'});
  }

  #openEpisode(sealed: Episode): Episode | null {
    for (const secret of this.#secrets) {
      const opened = openEpisode(secret, sealed, {tenantId: this.#tenantId, task: 'sealed'});
      if (opened.ok) return withoutTags(opened.value);
    }
    return null;
  }

  #openChange(change: EpisodeChange): EpisodeChange | null {
    if (change.kind !== 'critique') return null;
    const {id, episode, by, at, clock} = change;
    for (const secret of this.#secrets) {
      const plain = openForTenant(secret, change.text, this.#contextOf(change));
      const content = plain === null ? null : readContent(plain);
      if (content !== null) return {id, episode, by, at, ...(clock && {clock}), ...content};
    }
    return null;
  }

  #contextOf({id, episode}: EpisodeChange): readonly string[] {
    return ['godel-change', this.#tenantId, episode, id];
  }
}

/** Whether some of it is sealed, and it therefore says nothing to whoever has not opened it. */
export function isSealedItem(item: LogItem): boolean {
  return item.kind === 'episode'
    ? isSealedEpisode(item.episode)
    : item.change.kind === 'critique' && isSealedText(item.change.text);
}

export function isSealedEpisode({task, input, output, critique}: Episode): boolean {
  return [task, input, output, critique ?? ''].some(isSealedText);
}

function sealedParts(item: LogItem, {task, text}: WireLengths): readonly (readonly [string, string, number])[] {
  if (item.kind === 'episode') {
    const {episode} = item;
    return [
      ['task', episode.task, task],
      ['input', withTags(episode), text],
      ['output', episode.output, text],
      ['critique', episode.critique ?? '', text],
    ];
  }
  const content = contentOf(item.change);
  return content === null ? [] : [[item.change.kind, JSON.stringify(content), text]];
}

function contentOf(change: EpisodeChange): Content | null {
  if (change.kind === 'tag') return {kind: 'tag', add: change.add, remove: change.remove};
  return change.kind === 'critique' ? {kind: 'critique', text: change.text} : null;
}

/** Tags are too short to be sealed one by one: they stand before the input, in a line of JSON. */
function withTags({tags, input}: Episode): string {
  return `${JSON.stringify(tags)}\n${input}`;
}

function withoutTags(opened: Episode): Episode | null {
  const end = opened.input.indexOf('\n');
  const tags = end === -1 ? null : parsed(opened.input.slice(0, end));
  return isTags(tags) ? {...opened, tags, input: opened.input.slice(end + 1)} : null;
}

function readContent(plain: string): Content | null {
  const value = parsed(plain);
  if (typeof value !== 'object' || value === null) return null;
  const {kind, add, remove, text}: {kind?: unknown; add?: unknown; remove?: unknown; text?: unknown} = value;
  if (kind === 'tag' && isTags(add) && isTags(remove)) return {kind, add, remove};
  return kind === 'critique' && typeof text === 'string' ? {kind, text} : null;
}

function isTags(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_TAGS &&
    value.every(tag => typeof tag === 'string' && tag !== '' && tag.length <= MAX_TAG_CHARS)
  );
}

function parsed(json: string): unknown {
  try {
    return JSON.parse(json);
  } catch {
    // Sealed by somebody who has the key, and writes something else.
    return null;
  }
}
